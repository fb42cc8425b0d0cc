// Start: the bar of pages, the theme, and showing the page an address names.
const BAR = [["", "Overview"], ["results", "Results"], ["models", "Models"], ["tasks", "Tasks"], ["cities", "Cities"], ["help", "How to read"]];
const UNDER = {result: "results", run: "results", model: "models", task: "tasks", city: "cities"};
document.getElementById("pages").append(...BAR.map(([page, title]) => h("a", {href: page ? `#/${page}` : "#/", "data-page": page}, title)));

function show() {
  const {page, name, query} = place();
  clearCharts();
  const made = (pages[page] || (() => ({title: "Not found", nodes: missing("page", page)})))(query, name);
  main.replaceChildren(...made.nodes.flat(2).filter(Boolean).map(node => (typeof node === "string" ? document.createTextNode(node) : node)));
  document.title = made.title === "Overview" ? data.title : `${made.title} · urbanbench`;
  const under = UNDER[page] || page;
  for (const one of document.querySelectorAll("#pages a")) {
    if (one.dataset.page === under) one.setAttribute("aria-current", "page"); else one.removeAttribute("aria-current");
  }
}

let shownAt = null;
addEventListener("hashchange", () => {
  if (location.hash && !location.hash.startsWith("#/")) return;
  show();
  const path = location.hash.split("?")[0];
  if (path !== shownAt) { scrollTo(0, 0); main.focus({preventScroll: true}); say(document.title); }
  shownAt = path;
});
document.querySelector("[data-skip]").addEventListener("click", event => { event.preventDefault(); main.focus(); });

// Theme: as the system has it, light or dark; kept where the browser allows it.
const THEMES = ["system", "light", "dark"];
let theme = "system";
try { theme = localStorage.getItem("urbanbench-theme") || "system"; } catch { theme = "system"; }

function setTheme(name) {
  theme = THEMES.includes(name) ? name : "system";
  if (theme === "system") delete document.documentElement.dataset.theme; else document.documentElement.dataset.theme = theme;
  document.getElementById("theme").textContent = `Theme: ${theme}`;
  try { localStorage.setItem("urbanbench-theme", theme); } catch { /* a file without storage keeps no theme */ }
  redraw();
}
document.getElementById("theme").addEventListener("click", () => setTheme(THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

let wide = innerWidth, later = 0;
addEventListener("resize", () => { if (Math.abs(innerWidth - wide) < 8) return; wide = innerWidth; clearTimeout(later); later = setTimeout(redraw, 200); });
addEventListener("scroll", () => { tip.hidden = true; }, {passive: true});
addEventListener("keydown", event => { if (event.key === "Escape") tip.hidden = true; });
addEventListener("beforeprint", () => { for (const one of waiting) { if (!drawn.has(one)) { one.sight?.disconnect(); drawn.add(one); one.draw(); } } });

document.getElementById("made").textContent = `Made by urbanbench ${data.version} of ${plural(rows.length, "row")} on ${plural(questions.length, "question")}. Plots: Vega-Lite (BSD-3-Clause). No number here was typed by hand: each leads to its run.`;
setTheme(theme);
show();
shownAt = location.hash.split("?")[0];

// A live page asks whether its results have changed.
if (data.state) setInterval(async () => {
  try {
    const told = await (await fetch("state", {cache: "no-store"})).text();
    if (told !== data.state) location.reload();
  } catch { /* the server was stopped: what is shown stays */ }
}, 2000);
