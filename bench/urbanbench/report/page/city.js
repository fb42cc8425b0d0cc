// Cities: layers, how much of the city they cover, labels, and whose they are.
pages.cities = () => ({title: "Cities", nodes: [h("h1", null, "Cities"), table("Cities", [
  {title: "City", cell: one => link(cityTitle(one.name), "city", one.name), value: one => cityTitle(one.name)}, {title: "Regions", number: true, cell: one => (one.facts.regions ?? "").toLocaleString("en"), value: one => one.facts.regions}, {title: "km²", number: true, cell: one => number(one.facts.km2), value: one => one.facts.km2},
  {title: "Layers", cell: one => Object.keys(one.facts.layers || {}).join(", ").replaceAll("_", " ") || one.facts.absent}, {title: "Tasks", cell: one => joined(unique(questions.filter(question => question.city === one.name).map(question => question.task)).map(task => link(taskTitle(task), "task", task)))}, {title: "Rows", number: true, cell: one => String(one.own), value: one => one.own}],
Object.keys(data.cities).map(name => ({name, facts: data.cities[name], own: rows.filter(row => questions[row.question].city === name).length})), {most: 100})]});

pages.city = (query, name) => {
  const told = data.cities[name];
  if (!told) return {title: "Not found", nodes: missing("city", name)};
  const asked = questions.filter(question => question.city === name), layers = Object.entries(told.layers || {}), labels = Object.entries(told.labels || {});
  const credits = unique([told.source?.attribution, ...layers.map(([, one]) => one.attribution), ...labels.map(([, one]) => one.attribution)].filter(Boolean));
  return {title: cityTitle(name), nodes: [
    h("p", {class: "crumbs"}, h("a", {href: "#/cities"}, "Cities")), h("h1", null, cityTitle(name)),
    told.absent ? h("p", {class: "notice", role: "note"}, `${told.absent} Its scores are here, its map and sources are not.`) : facts([["Name", h("code", null, name)], ["Regions", told.regions?.toLocaleString("en")], ["Area", told.km2 ? `${number(told.km2)} km²` : ""], ["Median region", told["median km2"] ? `${number(told["median km2"])} km²` : ""], ["Regions from", [told.source?.source, told.source?.date, told.source?.licence].filter(Boolean).join(", ")], ["CRS", told.crs]]),
    cityMap(name, query),
    layers.length ? section("Layers", table("Layers and how much they cover", [
      {title: "Layer", cell: ([layer]) => layer.replaceAll("_", " "), value: ([layer]) => layer}, {title: "Rows", number: true, cell: ([, one]) => (one.rows ?? one.files ?? "").toLocaleString("en"), value: ([, one]) => one.rows}, {title: "Regions covered", number: true, cell: ([, one]) => (one.coverage === undefined ? "" : `${Math.round(100 * one.coverage)} %`), value: ([, one]) => one.coverage},
      {title: "Source", cell: ([, one]) => [one.kind ? `${one.kind}. ` : "", one.source || ""]}, {title: "Date", cell: ([, one]) => one.date || "", value: ([, one]) => one.date}, {title: "Licence", cell: ([, one]) => one.licence || ""}, {title: "Note", cell: ([, one]) => one.note ? h("details", null, h("summary", null, "note"), one.note) : ""}], layers, {most: 50})) : "",
    labels.length ? section("Labels", table("Labels", [
      {title: "Label", cell: ([label]) => label.replaceAll("_", " "), value: ([label]) => label}, {title: "Units", number: true, cell: ([, one]) => `${one.units.toLocaleString("en")} ${one.level.replaceAll("_", " ")}s`, value: ([, one]) => one.units}, {title: "Unit", cell: ([, one]) => one.unit}, {title: "Source", cell: ([, one]) => one.source || ""}, {title: "Date", cell: ([, one]) => one.date || ""}, {title: "Licence", cell: ([, one]) => one.licence || ""}, {title: "Note", cell: ([, one]) => one.note ? h("details", null, h("summary", null, "note"), one.note) : ""}], labels, {most: 50})) : "",
    section("Questions", h("ul", {class: "columns"}, asked.map(question => h("li", null, questionLink(question))))),
    credits.length ? section("Credits", listed(credits)) : "",
  ]};
};

function cityMap(name, query) {
  const plain = key => Boolean(data.maps[key].xy) * 2 + Boolean(data.maps[key].classes);
  const keys = Object.keys(data.maps).filter(key => key.startsWith(`${name}/`)).sort((a, b) => plain(a) - plain(b) || a.localeCompare(b));
  if (!keys.length) return "";
  const labelled = key => key.slice(name.length + 1), chosen = keys.includes(`${name}/${query.get("label")}`) ? `${name}/${query.get("label")}` : keys[0], holder = h("div");
  const select = h("select", {id: "city-label", onchange: () => { query.set("label", labelled(select.value)); setQuery(query); fill(select.value); }}, keys.map(key => h("option", {value: key, selected: key === chosen}, labelled(key).replaceAll("_", " "))));
  const fill = key => holder.replaceChildren(map(name, key, [truthLayer(data.maps[key])], `${cityTitle(name)}: ${labelled(key).replaceAll("_", " ")}.`));
  fill(chosen);
  return section("Map", keys.length > 1 ? h("div", {class: "pick"}, h("label", {for: "city-label"}, "Label"), select) : "", holder);
}
