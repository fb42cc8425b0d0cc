// One question: a city, a task and a split, with its tables and everything that is drawn of them.
pages.result = (query, id) => {
  const question = questions.find(one => one.id === id);
  if (!question) return {title: "Not found", nodes: missing("question", id)};
  const holder = h("div"), place = query.get("table");
  let at = question.tables.findIndex(one => `${one.inputs} ${one.head}` === place);
  if (at < 0) at = question.main ?? 0;
  const draw = () => { clearCharts(); holder.replaceChildren(...(question.tables.length ? tableOf(question, question.tables[at], query) : [])); };
  const select = h("select", {id: "which", onchange: () => { at = Number(select.value); query.set("table", `${question.tables[at].inputs} ${question.tables[at].head}`); setQuery(query); draw(); }},
    question.tables.map((one, k) => h("option", {value: k, selected: k === at}, `${one.inputs.replaceAll(",", ", ")} · head ${one.head} (${one.lines.filter(line => !rows[line.row].floor).length} models, ${one.lines.filter(line => rows[line.row].floor).length} floors)`)));
  draw();
  const steps = questions.filter(one => one.city === question.city && one.task === question.task && one !== question);
  return {title: question.title, nodes: [
    h("p", {class: "crumbs"}, link(cityTitle(question.city), "city", question.city), " · ", link(taskTitle(question.task), "task", question.task), steps.length ? [" · other splits: ", joined(steps.map(one => questionLink(one, `${one.split}${one.from ? ` from ${one.from}` : ""}`)))] : ""),
    h("h1", null, `${taskTitle(question.task)}, ${cityTitle(question.city)}`, h("span", {class: "tail"}, ` ${question.title.split(" · ").slice(2).join(" · ")}`)),
    data.tasks[question.task]?.question ? h("p", {class: "lead"}, data.tasks[question.task].question) : "",
    question.tables.length > 1 ? h("div", {class: "pick"}, h("label", {for: "which"}, "Inputs on offer and head"), select) : "",
    holder,
    unscored(question), published(question),
    section("About this question", listed(question.facts), question.notices.map(text => h("p", {class: "notice", role: "note"}, text))),
  ]};
};

function tableOf(question, table, query) {
  const only = query.get("place") || "";
  const filters = table.lines.some(line => rows[line.row].place && !rows[line.row].floor);
  const lines = itemsOf(table).map(one => (only ? {...one, line: {...one.line, mark: one.line.part, rank: null}} : one))
    .filter(({row}) => !only || (only === "known" ? Boolean(row.place) : row.place === ""));
  const dots = spanOf(lines.filter(({line}) => !line.elsewhere).map(({row}) => row));
  const choice = filters ? h("div", {class: "choice", role: "group", "aria-label": "Rows by whether they know where they are"}, [["", "All rows"], ["unknown", "Do not know where they are"], ["known", "Know where they are"]].map(([value, title]) =>
    h("button", {type: "button", "aria-pressed": String(only === value), onclick: () => { if (value) query.set("place", value); else query.delete("place"); setQuery(query); show(); }}, title))) : "";
  const scored = lines.filter(({line, row}) => row.score && !line.elsewhere && !line.aside);
  const chosen = rows[table.verdict.learned ?? table.verdict.frozen ?? table.verdict.leader];
  return [
    h("p", {class: "verdict-words"}, verdictMark(table.verdict.word), " ", table.verdict.words), choice,
    rowTable(lines, `${metricTitle(question.metric)} ${arrow(question.metric)} of ${plural(lines.length, "row")}, inputs ${table.inputs.replaceAll(",", ", ")}, head ${table.head}`, {most: 80, dots, head: table.head}),
    levelWords(table.levels),
    scored.length > 1 ? section("Seed by seed", seedsChart(scored, question.metric, table.levels)) : "",
    wrapped("How sure the order is", ranksChart(scored)),
    wrapped("From random to new districts", ladderOf(question, table)),
    wrapped("Score against cost", costChart(scored, question.metric)),
    wrapped("What a model adds to counting", addsChart(scored)),
    wrapped("Measured beside published", paperChart(scored, question.metric)),
    chosen && data.said[chosen.at] ? section("On the map", h("p", null, chosen.floor ? "The best row, " : `The best ${kindOf(chosen)} row, `, runLink(chosen), ". Every run’s own page has its map."), runMap(chosen)) : "",
  ];
}

// One who knows every place, and lots: what stands above and below the rows of a retrieval.
const levelWords = levels => (levels.length ? h("p", {class: "soft levels"}, "For comparison: ", joined(levels.map(one => `${one.name} ${one.score} (${one.kind}: ${one.said})`)), ".") : "");

const wrapped = (title, found) => (found ? section(title, found) : "");

// The rows of a table at every split of the same city and task.
function ladderOf(question, table) {
  const series = new Set(table.lines.filter(line => !line.elsewhere).map(line => rows[line.row].series));
  return ladderChart(rows.filter(row => series.has(row.series)).map(row => ({row})), question.metric);
}

function unscored(question) {
  if (!question.unscored.length) return "";
  return section("Not scored", table("Runs without a score, with the reason", [
    {title: "Row", cell: one => runLink(rows[one.row], one.label), value: one => one.label}, {title: "Inputs on offer", cell: one => rows[one.row].inputs, value: one => rows[one.row].inputs}, {title: "Reason", cell: one => one.reason, value: one => one.reason}], question.unscored, {most: 20}));
}

function published(question) {
  const said = question.published_said || `${data.paper}. Other data and protocol: for display, never ranked.`;
  if (!question.published?.length) return question.published_said ? section("Published for this task", h("p", {class: "soft"}, said)) : "";
  return section(question.published_said ? "Published for this task" : "Published for this city and task", h("p", {class: "soft"}, said), table("Published numbers", [
    {title: "Model", cell: one => one.model, value: one => one.model}, {title: "Setting", cell: one => one.setting, value: one => one.setting}, {title: "Table", cell: one => one.table, value: one => one.table},
    {title: metricTitle(question.metric), number: true, cell: one => one.text, value: one => one.mean}, {title: "Note", cell: one => one.note}], question.published, {most: 20}));
}
