// Sortable tables. A column: {title, cell(item), value(item), number, help}. Sorting moves focus nowhere and says what it did.
function table(caption, columns, items, {sorted = null, most = 60, kind = "wide", rowClass = () => ""} = {}) {
  let order = sorted, shown = most;
  const body = h("tbody");
  const more = h("button", {type: "button", class: "quiet more", onclick: () => { shown += 300; fill(); }});
  const heads = columns.map((column, place) => h("th", {scope: "col", class: column.number ? "number" : null, title: column.help || null},
    column.value ? h("button", {type: "button", onclick: () => sort(place)}, column.title) : column.title));

  function sort(place) {
    const down = order && order.place === place ? !order.down : columns[place].number && !columns[place].up;
    order = {place, down: Boolean(down)};
    fill();
    say(`Sorted by ${columns[place].title}, ${order.down ? "largest first" : "smallest first"}`);
  }

  function fill() {
    const list = order ? [...items].sort(compare) : items;
    heads.forEach((head, place) => {
      if (order && order.place === place) head.setAttribute("aria-sort", order.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    body.replaceChildren(...list.slice(0, shown).map(item => h("tr", {class: rowClass(item)}, columns.map((column, k) =>
      h(k ? "td" : "th", {class: column.number ? "number" : null, scope: k ? null : "row", "data-title": column.title}, column.cell(item))))));
    more.hidden = shown >= list.length;
    more.textContent = `Show ${Math.min(300, list.length - shown)} more of ${list.length - shown}`;
  }

  function compare(a, b) {
    const {value, number: numeric} = columns[order.place];
    const [x, y] = [value(a), value(b)];
    const empty = one => one === null || one === undefined || one === "" || Number.isNaN(one);
    if (empty(x) || empty(y)) return empty(x) - empty(y);
    return (order.down ? -1 : 1) * (numeric ? x - y : String(x).localeCompare(String(y), "en", {numeric: true}));
  }

  fill();
  return h("div", {class: `frame ${kind}`, role: "region", tabindex: "0", "aria-label": caption},
    h("table", null, h("caption", null, caption), h("thead", null, h("tr", null, heads)), body), more);
}
