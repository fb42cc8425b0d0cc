"""Style and script of the HTML page, inlined so that one file is the whole page."""

from __future__ import annotations

__all__ = ["SCRIPT", "STYLE"]

STYLE = """
:root { color-scheme: light dark; --ink: #1c2024; --soft: #60646c; --paper: #ffffff; --band: #f4f5f7;
  --line: #d5d8de; --accent: #0b5cad; --warn: #7a4d00; --warn-band: #fff4d6; --best: #e3f1e4; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --soft: #a0a6af; --paper: #16181c; --band: #1f2227;
  --line: #3a3f47; --accent: #7db8f5; --warn: #f3cf7a; --warn-band: #3a2f12; --best: #20362a; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 1.5rem clamp(1rem, 4vw, 3rem) 4rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 1rem; } h2 { font-size: 1.25rem; margin: 2.5rem 0 .25rem; }
a { color: var(--accent); } nav ul { columns: 18rem; overflow-wrap: anywhere; padding-left: 1.2rem; margin: 0; }
.facts { color: var(--soft); margin: 0 0 .75rem; max-width: 75rem; }
.warning { background: var(--warn-band); color: var(--warn); border-left: 4px solid; padding: .4rem .75rem; margin: .4rem 0;
  max-width: 75rem; }
.frame { position: relative; overflow: auto; max-height: 85vh; border: 1px solid var(--line); border-radius: 6px; margin: .75rem 0 1.5rem;
  width: fit-content; max-width: 100%; }
table { font-size: 14px; border-collapse: separate; border-spacing: 0; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .5rem .6rem; }
th, td { padding: .25rem .6rem; text-align: left; white-space: nowrap; border-top: 1px solid var(--line); vertical-align: top; }
thead th { position: sticky; top: 0; background: var(--band); vertical-align: bottom; z-index: 1; white-space: normal; max-width: 9rem; }
th small { display: block; font-weight: 400; color: var(--soft); white-space: normal; max-width: 22rem; }
tbody th { font-weight: 500; position: sticky; left: 0; background: var(--paper); }
thead th:first-child { left: 0; z-index: 2; } .number { text-align: right; } thead button { font: inherit; font-weight: 600; color: inherit; background: none; border: 0; padding: 0; cursor: pointer; text-align: inherit; }
thead button:hover, thead button:focus-visible { text-decoration: underline; }
th[aria-sort=ascending] button::after { content: " \\25B4"; } th[aria-sort=descending] button::after { content: " \\25BE"; }
.best, .tied { font-weight: 700; background: var(--best); } .best { text-decoration: underline; text-underline-offset: 3px; }
.spoken { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
tr.floor > *, tr.ceiling > * { background: var(--band); } tr.elsewhere > * { color: var(--soft); } .unscored, .published { color: var(--soft); font-style: italic; }
.published-cell { color: var(--soft); font-style: italic; border-left: 1px dashed var(--line); }
#overview td:not(.number) { white-space: normal; min-width: 6rem; max-width: 14rem; } #overview thead th { max-width: 7rem; } #overview tbody th { white-space: normal; max-width: 17rem; }
@media (max-width: 720px) { tbody th, thead th:first-child { position: static; white-space: normal; max-width: 40vw; } #overview td:not(.number) { min-width: 0; max-width: 24vw; }
  #overview tbody tr { display: grid; grid-template-columns: 1fr auto; padding: .3rem 0; border-top: 1px solid var(--line); } #overview thead { display: none; } #overview table, #overview tbody, #overview caption { display: block; }
  #overview tbody :is(th, td) { border: 0; max-width: none; padding: .1rem .6rem; } #overview tbody th { grid-column: 1 / -1; } #overview tbody td:nth-child(-n+4) { display: none; } #overview tbody td:is(:empty, :nth-child(n+9)) { display: none; } }
figure { margin: .75rem 0 1.5rem; } figure img { max-width: 100%; background: #ffffff; border-radius: 6px; } figcaption { color: var(--soft); }
footer { color: var(--soft); max-width: 75rem; border-top: 1px solid var(--line); margin-top: 2rem; padding-top: .5rem; }
"""

SCRIPT = """
for (const button of document.querySelectorAll("thead button")) {
  button.addEventListener("click", () => {
    const head = button.closest("th"), table = button.closest("table"), place = head.cellIndex;
    const up = head.getAttribute("aria-sort") === "descending" ? 1 : -1;
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up === 1 ? "ascending" : "descending");
    const key = row => row.cells[place].dataset.value ?? (row.cells[place].querySelector("span") ?? row.cells[place]).textContent;
    const numeric = head.classList.contains("number");
    const order = (a, b) => {
      const [x, y] = [key(a), key(b)];
      if ((x === "") !== (y === "")) return x === "" ? 1 : -1;
      return up * (numeric ? Number(x) - Number(y) : x.localeCompare(y));
    };
    const body = table.tBodies[0];
    body.append(...[...body.rows].sort(order));
  });
}
"""
