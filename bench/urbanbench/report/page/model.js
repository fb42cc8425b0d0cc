// Models: what each is, where it departs from its paper, what it saw, what it cost, and where it stands.
pages.models = () => ({title: "Models", nodes: [h("h1", null, "Models and floors"), ...[false, true].map(floor => {
  const names = Object.keys(data.models).filter(name => rows.some(row => row.model === name && Boolean(row.floor) === floor));
  const items = names.map(name => ({name, card: data.models[name], own: rows.filter(row => row.model === name)}));
  return section(floor ? "Floors: they learn nothing" : "Learned and frozen models", table(floor ? "Floors" : "Models", [
    {title: "Name", cell: one => [modelLink(one.name), h("small", null, one.card.year || "")], value: one => one.name},
    {title: "What it is", cell: one => one.card.summary || h("span", {class: "soft"}, "not registered here")},
    {title: "Inputs", cell: one => [...(one.card.needs || []), ...(one.card["needs one of"] || []), ...(one.card["can use"] || [])].join(", ")},
    {title: "Rows", number: true, cell: one => String(one.own.length), value: one => one.own.length},
    {title: "May be the best on", help: "Questions whose main table has a row of it that chance does not separate from the best", number: true, cell: one => String(wins(one.name)), value: one => wins(one.name)},
  ], items, {most: 100}));
})]});

const won = new Map();

function wins(name) {
  if (!won.has(name)) won.set(name, questions.filter(question => question.main !== null && !question.parity && question.tables[question.main].verdict.set.some(place => rows[place].model === name)).length);
  return won.get(name);
}

pages.model = (query, name) => {
  const card = data.models[name];
  if (!card) return {title: "Not found", nodes: missing("model", name)};
  const own = rows.filter(row => row.model === name);
  const items = own.filter(row => row.score && !questions[row.question].parity).map(row => ({row, line: standing.get(row.at)?.line}));
  const trained = own.filter(row => row.training !== undefined);
  return {title: modelTitle(name), nodes: [
    h("p", {class: "crumbs"}, h("a", {href: "#/models"}, "Models")), h("h1", null, modelTitle(name), card.title && card.title !== modelTitle(name) ? h("span", {class: "tail"}, ` ${card.title}`) : ""),
    card.summary ? h("p", {class: "lead"}, card.summary) : h("p", {class: "notice"}, "This model is not registered on the machine that made the page, so its card is not known."),
    facts([["Name", h("code", null, name)], ["Paper", paperNode(card.paper)], ["Authors’ code", card.code ? linked(card.code) : ""], ["Needs", (card.needs || []).join(", ")], ["Needs one of", (card["needs one of"] || []).join(", ")], ["Can use", (card["can use"] || []).join(", ")], ["Embeds", (card.embeds || []).join(", ")], ["In another city", card["another city"]], ["Version", card.version], ["May be the best on", `${wins(name)} of ${questions.filter(question => question.main !== null && !question.parity).length} questions`]]),
    card.differs ? section("Where it differs from its paper", listed(card.differs)) : "",
    section("Where it stands", rowTable(items, `Rows of ${name}`, {question: true, model: false, most: 40})),
    sawSection(own), costSection(own), trained.length ? trainingSection(trained) : "",
  ]};
};

function linked(text) {
  return joined(String(text).split(/\s+/).map(word => { const bare = word.replace(/[),.;]+$/, ""); return web(bare) ? [h("a", {href: bare, rel: "noopener noreferrer"}, bare), word.slice(bare.length)] : word; }), " ");
}

const paperNode = text => (text ? linked(text) : "");

function sawSection(own) {
  const found = new Map();
  for (const row of own.filter(one => one.counts)) {
    const key = JSON.stringify([questions[row.question].city, row.label, row.saw, row.counts]);
    if (!found.has(key)) found.set(key, row);
  }
  if (!found.size) return "";
  return section("What it really saw", table("Objects used, by city", [
    {title: "City", cell: row => link(cityTitle(questions[row.question].city), "city", questions[row.question].city), value: row => questions[row.question].city}, {title: "Row", cell: row => runLink(row), value: row => row.label}, {title: "In short", cell: row => row.saw, value: row => row.saw},
    {title: "Numbers", cell: row => Object.entries(row.counts).map(([name, [used, of]]) => `${name} ${used.toLocaleString("en")} of ${of.toLocaleString("en")}`).join("; ")}], [...found.values()], {most: 20}));
}

function costSection(own) {
  const known = own.filter(row => row.seconds);
  if (!known.length) return "";
  return section("What it cost", table("Cost of its rows", [
    {title: "Row", cell: row => [runLink(row), h("small", null, questions[row.question].title)], value: row => row.label}, {title: "Time", number: true, up: true, cell: row => `${row.whole ? "" : "≥ "}${seconds(row.seconds)}`, value: row => row.seconds},
    {title: "Memory, MB", number: true, cell: row => number(row.cost?.MB), value: row => row.cost?.MB}, {title: "GPU, MB", number: true, cell: row => number(row.cost?.["GPU MB"]), value: row => row.cost?.["GPU MB"]}, {title: "Weights trained", number: true, cell: row => (row.cost?.trained ?? "").toLocaleString("en"), value: row => row.cost?.trained}, {title: "Machine", cell: row => data.origins[row.origin].machine, value: row => data.origins[row.origin].machine}], known, {most: 15}));
}

function trainingSection(trained) {
  const found = new Map(trained.map(row => [`${row.training}`, row])), holder = h("div");
  const select = h("select", {id: "training", onchange: () => fill()}, [...found].map(([place, row]) => h("option", {value: place}, `${cityTitle(questions[row.question].city)} · ${row.label} · ${row.inputs.replaceAll(",", ", ")}`)));
  const fill = () => { const stages = data.trainings[Number(select.value)]; holder.replaceChildren(lossChart(stages) || "", listed(stages.map(stage => stage.said))); };
  fill();
  return section("Losses", h("div", {class: "pick"}, h("label", {for: "training"}, "Training"), select), holder);
}
