// Filters over rows. Their state is a part of the address, so that a filtered page can be sent to somebody.
const FILTERS = [
  ["city", "City", row => questions[row.question].city, cityTitle],
  ["task", "Task", row => questions[row.question].task, taskTitle],
  ["split", "Split", row => questions[row.question].split],
  ["inputs", "Inputs on offer", row => row.inputs],
  ["head", "Head", row => row.head],
  ["preset", "Preset", row => row.preset || "none"],
  ["converged", "Converged", row => row.converged],
  ["kind", "Kind", row => ({floor: "floors", frozen: "frozen models", learned: "learned models"})[kindOf(row)]],
];
const RUNGS = new Map(questions.map(question => [question.split, question.rung]));

function choices(name, value) {
  const found = unique(rows.map(value));
  return name === "split" ? found.sort((a, b) => RUNGS.get(a) - RUNGS.get(b) || a.localeCompare(b)) : found.sort((a, b) => a.localeCompare(b));
}

function passes(row, query, except) {
  for (const [name, , value] of FILTERS) {
    const wanted = query.get(name);
    if (wanted && name !== except && value(row) !== wanted) return false;
  }
  const words = (query.get("find") || "").toLowerCase().split(/\s+/).filter(Boolean);
  return words.every(word => row.label.toLowerCase().includes(word) || row.model.toLowerCase().includes(word));
}

// A bar of filters; `changed` is called after the address has the new state.
function filterBar(names, query, changed, {search = true} = {}) {
  const bar = h("form", {class: "filters", role: "search", "aria-label": "Filters", onsubmit: event => event.preventDefault()});
  for (const [name, title, value, told] of FILTERS.filter(([one]) => names.includes(one))) {
    const select = h("select", {id: `filter-${name}`, onchange: () => {
      if (select.value) query.set(name, select.value); else query.delete(name);
      setQuery(query);
      changed();
    }}, h("option", {value: ""}, "all"), choices(name, value).map(one => h("option", {value: one, selected: query.get(name) === one}, told ? told(one) : one)));
    bar.append(h("div", null, h("label", {for: `filter-${name}`}, title), select));
  }
  if (search) {
    const box = h("input", {type: "search", id: "filter-find", value: query.get("find") || "", placeholder: "model, setting", oninput: () => {
      if (box.value) query.set("find", box.value); else query.delete("find");
      setQuery(query);
      changed();
    }});
    bar.append(h("div", null, h("label", {for: "filter-find"}, "Name holds"), box));
  }
  bar.append(h("button", {type: "button", class: "quiet", id: "filter-clear", onclick: () => { setQuery(new URLSearchParams()); show(); }}, "Clear"));
  return bar;
}
