// Tasks: what is asked, of which units, whose label it is, and what it looks like.
pages.tasks = () => ({title: "Tasks", nodes: [h("h1", null, "Tasks"), table("Tasks", [
  {title: "Task", cell: one => link(taskTitle(one.name), "task", one.name), value: one => taskTitle(one.name)}, {title: "Question", cell: one => one.card.question || ""}, {title: "Kind", cell: one => one.asked[0]?.kind || "", value: one => one.asked[0]?.kind}, {title: "Units", cell: one => unique(one.asked.map(question => question.level)).join(", ").replaceAll("_", " ")},
  {title: "Cities", cell: one => joined(unique(one.asked.map(question => question.city)).map(city => link(cityTitle(city), "city", city)))}, {title: "Main metric", cell: one => unique(one.asked.map(question => `${metricTitle(question.metric)} ${arrow(question.metric)}`)).join(", ")}],
Object.keys(data.tasks).map(name => ({name, card: data.tasks[name], asked: questions.filter(question => question.task === name)})), {most: 100})]});

pages.task = (query, name) => {
  const card = data.tasks[name];
  if (!card) return {title: "Not found", nodes: missing("task", name)};
  const asked = questions.filter(question => question.task === name), label = card.label || name.replace(/^label:/, "");
  const cities = unique(asked.map(question => question.city)).sort(cityOrder), units = unique(asked.map(question => question.unit).filter(Boolean));
  return {title: taskTitle(name), nodes: [
    h("p", {class: "crumbs"}, h("a", {href: "#/tasks"}, "Tasks")), h("h1", null, taskTitle(name)), card.question ? h("p", {class: "lead"}, card.question) : "",
    facts([["Name", h("code", null, name)], ["Kind", asked[0]?.kind], ["Units", (card.level || asked[0]?.level || "").replaceAll("_", " ")], ["Unit of the label", units.join("; ")], ["Main metric", asked[0] ? `${metricTitle(asked[0].metric)} ${arrow(asked[0].metric)}` : ""], ["Withheld from every model", (card.withholds || []).join("; ")], ["Heads fit", card.log1p ? "log1p of the target" : ""], ["Note", card.note], ["Version", card.version]]),
    ...(card.kind === "retrieval" ? asksOf(card, cities) : [labelMaps(label, cities, query), labelSources(label, cities)]),
    section("Questions", h("ul", {class: "columns"}, asked.map(question => h("li", null, questionLink(question))))),
  ]};
};

const labelSources = (label, cities) => section("Labels and their sources", table("Labels by city", [
      {title: "City", cell: one => link(cityTitle(one.city), "city", one.city), value: one => one.city}, {title: "Units", number: true, cell: one => one.told ? String(one.told.units) : "", value: one => one.told?.units}, {title: "Unit", cell: one => one.told?.unit || ""}, {title: "Source", cell: one => one.told?.source || one.absent}, {title: "Date", cell: one => one.told?.date || ""}, {title: "Licence", cell: one => one.told?.licence || ""}, {title: "Note", cell: one => one.told?.note || ""}],
  cities.map(city => ({city, told: data.cities[city]?.labels?.[label], absent: data.cities[city]?.absent ? "city not on the machine that made this page" : "not stated"})), {most: 50}));

// What a retrieval asks with, what it chooses from, what it may not tell, and whose pictures and maps its questions are made of.
function asksOf(card, cities) {
  const layers = cities.flatMap(city => (card.layers || []).map(layer => ({city, layer, told: data.cities[city]?.layers?.[layer], absent: data.cities[city]?.absent ? "city not on the machine that made this page" : "not stated"})));
  return [
    section("What is asked", facts([["A query is", (card.query || []).join(", ")], ["Candidates are", (card.candidates || []).join(", ")], ["Right is", card.positive], ["No query tells of its answer", (card.leaks || []).join("; ")]])),
    section("What questions are made of", table("Layers by city", [
      {title: "City", cell: one => link(cityTitle(one.city), "city", one.city), value: one => one.city}, {title: "Layer", cell: one => one.layer.replaceAll("_", " "), value: one => one.layer}, {title: "Rows", number: true, cell: one => (one.told?.rows ?? one.told?.files ?? "").toLocaleString("en"), value: one => one.told?.rows}, {title: "Source", cell: one => (one.told ? [one.told.kind ? `${one.told.kind}. ` : "", one.told.source || "not stated"] : one.absent)}, {title: "Date", cell: one => one.told?.date || ""}, {title: "Licence", cell: one => one.told?.licence || ""}],
    layers, {most: 50})),
  ];
}

function labelMaps(label, cities, query) {
  const known = cities.filter(city => data.maps[`${city}/${label}`]);
  if (!known.length) return section("The label on the map", h("p", {class: "soft"}, "No city with this label is on the machine that made this page."));
  const holder = h("div"), chosen = known.includes(query.get("city")) ? query.get("city") : known[0];
  const select = h("select", {id: "label-city", onchange: () => { query.set("city", select.value); setQuery(query); fill(select.value); }}, known.map(city => h("option", {value: city, selected: city === chosen}, cityTitle(city))));
  const fill = city => holder.replaceChildren(map(city, `${city}/${label}`, [truthLayer(data.maps[`${city}/${label}`])], `The label ${label} in ${cityTitle(city)}.`));
  fill(chosen);
  return section("The label on the map", known.length > 1 ? h("div", {class: "pick"}, h("label", {for: "label-city"}, "City"), select) : "", holder);
}
