"""Syntax trees as text that does not depend on the Python that parsed them."""

import ast
import sys

import pytest

from urbanbench.hashing import code_digest, value_digest
from urbanbench.syntax import syntax_text

SOURCE = '''
from a.b import c as d

@d(1, *x, key=None)
class Known(Base, metaclass=M):
    """A docstring."""
    size: int = 3

async def go(a, /, b=0.5, *args, c: str = "±", d, **rest) -> None:
    global seen
    with open(a) as file, b:
        pass
    try:
        return {**rest, "k": [not a, -1, 2j, b"\\x00", ...]}
    except (ValueError, OSError) as error:
        raise X from error
    else:
        del a[1:2, ::3]
    finally:
        yield
    match b:
        case {"kind": None, **others} if others:
            return f"{a!r:>{b}} and {c:.2f}{d}"
        case [1, *_] | P(x=True):
            return lambda: (i := 1)
    return [n async for n in a if n for m in n]
'''
TEXT_DIGEST = "ebbf899a802ba8f05e8be6a4b70c34ac"
FILE_DIGEST = "01e4a233e4e9d85938fce0e2108ff5e1"


def later(node, **fields):
    """Give a node the fields that a later Python's parser gives."""
    cls = type(node)
    added = [name for name in fields if name not in cls._fields]
    made = type(cls.__name__, (cls,), {"_fields": (*cls._fields, *added)})
    return made(**{name: getattr(node, name) for name in node._fields if hasattr(node, name)} | fields)


def test_the_text_is_the_dump_of_python_3_11():
    """What every Python must write, as Python 3.11 wrote it when vectors were first kept."""
    assert value_digest(syntax_text(ast.parse(SOURCE))) == TEXT_DIGEST
    if sys.version_info[:2] == (3, 11):
        assert syntax_text(ast.parse(SOURCE)) == ast.dump(ast.parse(SOURCE))


def test_empty_lists_are_written_and_what_is_not_there_is_not():
    found = syntax_text(ast.parse("def f(): return None").body[0])
    assert found == (
        "FunctionDef(name='f', args=arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[]), "
        "body=[Return(value=Constant(value=None))], decorator_list=[])"
    )
    assert syntax_text(ast.parse("{**a}").body[0].value) == (
        "Dict(keys=[None], values=[Name(id='a', ctx=Load())])"
    )
    assert syntax_text(ast.parse("u'x'").body[0].value) == "Constant(value='x', kind='u')"


@pytest.mark.parametrize("source", ["def f(): pass", "class A: pass", "async def f(): pass"])
def test_fields_that_came_later_count_only_where_they_hold_something(source):
    node = ast.parse(source).body[0]
    plain = syntax_text(node)
    assert syntax_text(later(node, type_params=[])) == plain
    assert "type_params=[Name(id='T', ctx=Load())]" in syntax_text(
        later(node, type_params=[ast.Name("T", ast.Load())])
    )


def test_an_f_string_is_one_text_however_a_parser_cut_it():
    whole = ast.parse("f'ab{c}d'").body[0].value
    cut = ast.JoinedStr(
        [
            ast.Constant("a"),
            ast.Constant(""),
            ast.Constant("b"),
            whole.values[1],
            ast.Constant("d"),
            ast.Constant(""),
        ]
    )
    assert syntax_text(cut) == syntax_text(whole)
    assert syntax_text(ast.parse("f'a{c}bd'")) != syntax_text(ast.parse("f'ab{c}d'"))
    assert [one.value for one in cut.values if isinstance(one, ast.Constant)] == ["a", "", "b", "d", ""]


def test_signs_that_only_later_pythons_know_are_written_by_their_number():
    shown = syntax_text(ast.Constant("± \N{GREEK SMALL LETTER LAMDA} \U0001f600 \U0001fae8 \x00"))
    assert shown == "Constant(value='± λ \\U0001f600 \\U0001fae8 \\x00')"
    assert syntax_text(ast.Constant("\u1d40")) != syntax_text(ast.Constant("\\u1d40"))


def test_numbers_too_long_for_digits_and_long_sums_are_written():
    assert syntax_text(ast.Constant(1 << 20_000)) == f"Constant(value={hex(1 << 20_000)})"
    assert syntax_text(ast.parse("+".join(["a"] * 900))).count("Name(") == 900


def test_a_file_has_the_same_hash_under_every_python(tmp_path):
    (tmp_path / "mine.py").write_text(SOURCE, encoding="utf-8")
    assert code_digest(tmp_path / "mine.py") == FILE_DIGEST
