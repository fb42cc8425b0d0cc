// The first page: what the results say in words, who wins where, and the pictures that explain it.
pages[""] = query => {
  const top = h("div"), rest = h("div");
  const draw = () => {
    clearCharts();
    const [first, second] = overview(query);
    top.replaceChildren(...first);
    rest.replaceChildren(...second);
  };
  draw();
  return {title: "Overview", nodes: [h("h1", null, data.title), top, h("details", {class: "fold", open: [...query.keys()].length > 0}, h("summary", null, "Filter"), filterBar(["city", "task", "split", "inputs"], query, draw, {search: false})), rest]};
};

// Cities with the most rows come first, generated ones last.
const weights = new Map();
for (const row of rows) {
  const question = questions[row.question];
  weights.set(question.city, (weights.get(question.city) || 0) + 1);
}
const made = new Set(questions.filter(question => question.generated).map(question => question.city));
const cityOrder = (a, b) => made.has(a) - made.has(b) || weights.get(b) - weights.get(a) || a.localeCompare(b);

function tableFor(question, query) {
  const inputs = query.get("inputs");
  if (!inputs) return question.main === null ? null : question.tables[question.main];
  return question.tables.filter(one => one.inputs === inputs).sort((a, b) => b.lines.length - a.lines.length)[0] || null;
}

function asked(query) {
  return questions.filter(question => ["city", "task", "split"].every(name => !query.get(name) || question[name] === query.get(name)))
    .map(question => ({question, table: tableFor(question, query)})).filter(one => one.table);
}

function overview(query) {
  const every = asked(query), judged = every.filter(one => !one.question.parity && one.table.verdict.word !== "open");
  const matched = judged.filter(one => one.table.verdict.learned !== undefined && one.table.verdict.floor !== undefined);
  return [[lead(matched), matched.length ? bars(matched) : ""], [winners(every.filter(one => !one.question.parity)), gaps(matched), ranks(matched), adds(every), beside(every), parity(every)].filter(Boolean)];
}

function count(list, word) {
  return list.filter(one => one.table.verdict.word === word).length;
}

function lead(list) {
  if (!list.length) return h("p", {class: "lead"}, "No question here has both learned models and floors that can be ranked together.");
  const [floors, learned, frozen, together] = ["floors", "learned", "frozen", "together"].map(word => count(list, word));
  const cities = unique(list.map(one => one.question.city)).length;
  const of = list.length;
  return h("p", {class: "lead"},
    `Each question is a city, a task and a way to hold places out. On ${of} of them in ${plural(cities, "city", "cities")}, learned models stand beside floors, which count and learn nothing. `,
    h("b", null, `Floors alone may be the best on ${floors}`), `, learned models alone on ${learned}, ${frozen ? `frozen features alone on ${frozen}, ` : ""}and on ${together} chance does not separate them.`);
}

function bars(list) {
  const parts = ["floors", "together", "frozen", "learned"].map(word => [word, count(list, word)]).filter(([, some]) => some);
  return h("div", {class: "shares", "aria-hidden": "true"}, parts.map(([word, some]) => h("span", {class: word, style: {"flex-grow": some}}, `${some} ${{floors: "floors", together: "not separable", frozen: "frozen", learned: "learned"}[word]}`)));
}

// Who wins where: a line for each city and task, a column for each split.
function winners(list) {
  const lines = new Map();
  for (const one of list) {
    const {question} = one, key = `${question.city}|${question.task}|${question.from}`;
    if (!lines.has(key)) lines.set(key, {question, cells: new Map()});
    const cells = lines.get(key).cells;
    if (!cells.has(question.split)) cells.set(question.split, one);
  }
  const splits = unique(list.map(one => one.question.split)).sort((a, b) => RUNGS.get(a) - RUNGS.get(b));
  const value = (line, split) => { const found = line.cells.get(split)?.table.verdict.leader; return found === undefined ? null : rows[found].score.mean; };
  const columns = [
    {title: "City and task", cell: line => [link(taskTitle(line.question.task), "task", line.question.task), h("small", null, link(cityTitle(line.question.city), "city", line.question.city), line.question.from ? `, trained in ${line.question.from}` : "", ` · ${metricTitle(line.question.metric)} ${arrow(line.question.metric)}`)], value: line => `${cityTitle(line.question.city)} ${taskTitle(line.question.task)}`},
    ...splits.map(split => ({title: split, help: "sorted by the best score", cell: line => winner(line.cells.get(split)), value: line => value(line, split), number: true})),
  ];
  return section("Who wins where", h("p", {class: "soft"}, "The best mean of each question, ± over splits, and the best of the other kind; the tag says whose rows may be the best."),
    table("Who wins where", columns, [...lines.values()].sort((a, b) => cityOrder(a.question.city, b.question.city)), {kind: "winners", most: 100}));
}

function winner(one) {
  if (!one) return h("span", {class: "soft"}, "–");
  const {verdict, lines} = one.table, leader = rows[verdict.leader];
  if (!leader) return h("span", {class: "soft"}, "no ranked row");
  const other = rows[leader.floor ? verdict.learned ?? verdict.frozen : verdict.floor];
  const line = lines.find(each => each.row === verdict.leader);
  return h("div", {class: `win ${verdict.word}`}, h("div", null, h("a", {href: address("result", one.question.id)}, labelOf(line, leader)), " ", scoreNode(leader, line)),
    h("small", null, other ? [verdictMark(verdict.word), ` ${kindOf(other)}: ${other.label} ${other.score.text.split(" ")[0]}`] : leader.floor ? "floors alone were run" : "no floor was run"));
}

// How far learned models stand above or below the best floor, question by question.
function gaps(list) {
  const points = [];
  for (const {question, table} of list) {
    const floor = rows[table.verdict.floor];
    for (const {row} of asItStands(itemsOf(table).filter(({row, line}) => !line.elsewhere && !row.lacks?.length))) {
      const gap = sign(question.metric) * (row.score.mean - floor.score.mean);
      points.push({model: modelTitle(row.model), gap, split: question.split, city: cityTitle(question.city), task: taskTitle(question.task), text: row.score.text, floor: `${floor.label} ${floor.score.text}`});
    }
  }
  if (!points.length) return "";
  const median = new Map();
  for (const one of points) median.set(one.model, [...(median.get(one.model) || []), one.gap]);
  const middle = model => { const sorted = median.get(model).sort((a, b) => a - b); return sorted[Math.floor(sorted.length / 2)]; };
  const order = [...median.keys()].sort((a, b) => middle(b) - middle(a));
  const splits = unique(points.map(one => one.split)).sort((a, b) => RUNGS.get(a) - RUNGS.get(b));
  return section("What learning gives over counting", chart("Each dot is a question: the score of a model, in the settings of its preset and with the most trainings where it has such a row, less that of the best floor of the same inputs. Right of the line the model is above the floor. Gaps beyond −0.6 stand at the edge; rows that lack a part of their model, of which nothing was trained or that answer an older question are left out.", () => ({
    height: order.length * 26 + 4, data: {values: points}, layer: [
      {data: {values: [{}]}, mark: {type: "rule", strokeWidth: 1.5}, encoding: {x: {datum: 0, type: "quantitative"}, color: {value: ink("ink")}}},
      {mark: {type: "circle", size: 54, opacity: 0.65}, encoding: {
        x: {field: "gap", type: "quantitative", title: "score less the best floor’s", scale: {domain: [-0.6, Math.max(0.2, ...points.map(one => one.gap))], clamp: true}}, y: {field: "model", type: "nominal", sort: order, title: null, axis: {labelLimit: axisLimit(), grid: true}},
        color: {field: "split", type: "nominal", sort: splits, legend: {title: null, orient: "top"}, scale: {domain: splits, range: ["learned", "floor", "together", "soft", "frozen", "lead"].map(ink)}}, yOffset: {field: "split", type: "nominal", sort: splits},
        tooltip: [{field: "model", title: "title"}, {field: "city", title: "city"}, {field: "task", title: "task"}, {field: "split", title: "split"}, {field: "text", title: "score"}, {field: "floor", title: "best floor"}, {field: "gap", title: "gap", format: "+.3f"}]}},
    ]}), {height: order.length * 24 + 60}));
}

// Possible ranks of one question's rows, the question chosen by the reader.
function ranks(list) {
  const usable = list.filter(one => one.table.lines.filter(line => line.rank).length >= 3).sort((a, b) => made.has(a.question.city) - made.has(b.question.city) || b.table.lines.length - a.table.lines.length);
  if (!usable.length) return "";
  const holder = h("div"), select = h("select", {id: "rank-question", onchange: () => fill()}, [...usable].sort((a, b) => cityOrder(a.question.city, b.question.city) || a.question.title.localeCompare(b.question.title)).map(one => h("option", {value: one.question.id, selected: one === usable[0]}, placeWords(one.question))));
  const fill = () => {
    const one = usable.find(each => each.question.id === select.value);
    holder.replaceChildren(h("p", null, one.table.verdict.words, " ", questionLink(one.question, "All of this question"), "."), ranksChart(itemsOf(one.table)) || "");
  };
  fill();
  return section("How sure the order is", h("div", {class: "pick"}, h("label", {for: "rank-question"}, "Question"), select), holder);
}

const itemsOf = table => table.lines.map(line => ({line, row: rows[line.row]}));

function adds(list) {
  const found = addsChart(list.flatMap(one => one.question.tables.flatMap(itemsOf)).filter(one => !one.line.aside).filter((one, k, all) => all.findIndex(other => other.row === one.row) === k));
  return found ? section("What a model adds to counting", found) : "";
}

// Of the rows of a table one of each model: trained, of today's question, with the settings of its preset and the most trainings, as far as there is one.
function asItStands(items) {
  const worth = ({row}) => (row.settings ? 0 : 1000) + (row.score.trainings?.length || 1);
  const best = new Map();
  for (const one of items.filter(({row, line}) => kindOf(row) === "learned" && !line.aside && row.score)) {
    if (!best.has(one.row.model) || worth(one) > worth(best.get(one.row.model))) best.set(one.row.model, one);
  }
  return [...best.values()];
}

function beside(list) {
  const near = list.filter(({question}) => question.split === "random" || question.parity);
  const found = near.flatMap(({question, table}) => question.tables.filter(one => one.head === table.head).flatMap(one => asItStands(itemsOf(one))).filter(one => one.line.paper).map(one => ({...one, question})));
  if (!found.length) return "";
  const columns = [
    {title: "Row", cell: one => runLink(one.row, labelOf(one.line, one.row)), value: one => one.row.label},
    {title: "Question", cell: one => questionLink(one.question), value: one => one.question.title},
    {title: "Measured here", number: true, cell: one => scoreNode(one.row, one.line), value: one => one.row.score.mean},
    {title: "Published", number: true, cell: one => h("span", {title: `${one.line.paper.source} ${one.line.paper.note}`}, one.line.paper.text, one.line.paper.note ? "*" : ""), value: one => one.line.paper.mean},
    {title: "Source", cell: one => `Table ${one.line.paper.table}${one.line.paper.note ? `. ${one.line.paper.note}` : ""}`},
  ];
  return section("Measured beside published", h("p", {class: "soft"}, `Printed numbers are from ${data.paper}. Other extracts, labels and splits: for display, never ranked. Of each model and inputs on offer one row, under split random and the paper’s own protocol: trained, with the settings of its preset and the most trainings, where there is one.`), table("Measured beside published", columns, found, {most: 12}));
}

function parity(list) {
  const found = unique(questions.filter(question => question.parity && list.some(one => one.question.id === question.id)));
  return found.length ? section("Papers’ own protocols", h("p", {class: "soft"}, "Rows scored as a paper scores, never ranked with the others."), h("ul", {class: "columns"}, found.map(question => h("li", null, questionLink(question))))) : "";
}
