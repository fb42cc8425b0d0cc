"""What a plugin states: script metadata, a file beside it, a project; and how what is wrong with it is told."""

from __future__ import annotations

import pytest

from urbanbench.errors import BadInput
from urbanbench.isolated.needs import needs_of


def block(*lines):
    return "\n".join(["# /// script", *(f"# {line}".rstrip() for line in lines), "# ///", "import os", ""])


def test_the_block_of_script_metadata_is_read(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "#!/usr/bin/env python\n"
        + block('requires-python = ">=3.11"', "dependencies = [", '  "scipy<1.12",', "]")
    )
    needs = needs_of(file)
    assert (needs.requirements, needs.python) == (("scipy<1.12",), ">=3.11")
    assert needs.stated_in == "the script metadata of mine.py"


@pytest.mark.parametrize(
    "text",
    [
        "import os\n",
        block("dependencies = []"),
        block('requires-python = ">=3"'),
        '# /// pyproject\n# dependencies = ["a"]\n# ///\n',
    ],
)
def test_a_file_that_asks_for_nothing_needs_no_environment(tmp_path, text):
    (tmp_path / "mine.py").write_text(text)
    assert needs_of(tmp_path / "mine.py") is None


def test_another_python_alone_is_a_need(tmp_path):
    (tmp_path / "mine.py").write_text(block('requires-python = ">=3.99"'))
    assert needs_of(tmp_path / "mine.py").python == ">=3.99"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (block("dependencies = ["), "is no TOML"),
        (block('dependencies = "scipy"'), "Expected a list of texts"),
        (
            block('dependencies = ["scipy << 1"]'),
            "'scipy << 1' in the script metadata of mine.py is no requirement",
        ),
        (block("requires-python = 3"), "Expected text, for example"),
        (block('dependencies = ["scipy"]', 'requires-python = "new"'), "is 'new'. Expected for example"),
        (block('requires-python = "new"'), "is 'new'. Expected for example"),
        (block('dependencies = ["a"]') + block('dependencies = ["b"]'), "has 2 blocks"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_sentence(tmp_path, text, said):
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(BadInput, match=said):
        needs_of(tmp_path / "mine.py")


def test_a_file_of_requirements_beside_counts_with_all_that_it_names(tmp_path):
    (tmp_path / "mine.py").write_text("import os\n")
    (tmp_path / "requirements.txt").write_text("other\n")
    assert needs_of(tmp_path / "mine.py") is None, "one that is not called after the file is somebody else's"
    (tmp_path / "mine.requirements.txt").write_text("scipy<1.12  # old\n-r more.txt\n")
    (tmp_path / "more.txt").write_text("# why\nnumpy<2\n-r mine.requirements.txt\n")
    needs = needs_of(tmp_path / "mine.py")
    assert needs.content == ("scipy<1.12", "-r more.txt", "numpy<2", "-r mine.requirements.txt")
    assert needs.requirements == ("-r mine.requirements.txt",)


def test_a_project_counts_for_the_file_that_it_offers_as_a_model_and_for_no_other(tmp_path):
    package = tmp_path / "src" / "theirs"
    package.mkdir(parents=True)
    (package / "model.py").write_text("")
    (package / "other.py").write_text("")
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "theirs"\ndependencies = ["scipy<1.12"]\n'
        '[project.entry-points."urbanbench.models"]\ntheirs = "theirs.model:Theirs"\n'
    )
    needs = needs_of(package / "model.py")
    assert (needs.module, needs.requirements, needs.roots[0]) == (
        "theirs.model",
        ("scipy<1.12",),
        tmp_path / "src",
    )
    assert needs_of(package / "other.py") is None
