// All rows, filtered and sorted, with the plots of what is left.
pages.results = query => {
  const holder = h("div");
  const draw = () => { clearCharts(); holder.replaceChildren(...results(query)); };
  const bar = filterBar(FILTERS.map(([name]) => name), query, draw);
  draw();
  return {title: "Results", nodes: [h("h1", null, "Results"), h("p", {class: "soft"}, "Every row of every table. Rows of different questions are not ranked against each other; bold rows may be the best of their own table."), h("details", {class: "fold", open: !narrow()}, h("summary", null, "Filters"), bar), holder]};
};

function results(query) {
  const found = rows.filter(row => passes(row, query)).map(row => ({row, line: standing.get(row.at)?.line}))
    .sort((a, b) => a.row.question - b.row.question || Boolean(a.line?.aside) - Boolean(b.line?.aside) || gain(b.row) - gain(a.row));
  const scored = found.filter(({row}) => row.score);
  say(`${plural(found.length, "row")} shown`);
  return [h("p", {class: "counted", id: "counted"}, `${plural(found.length, "row")} of ${rows.length.toLocaleString("en")}`), rowTable(found, "Results", {question: true}), ...pictures(scored)];
}

const gain = row => (row.score ? sign(questions[row.question].metric) * row.score.mean : -Infinity);

// Plots of rows: seed by seed, ladder, cost and gains, as far as the rows are of one metric and one place.
function pictures(list) {
  const asked = unique(list.map(({row}) => questions[row.question])), metrics = unique(asked.map(question => question.metric));
  if (metrics.length !== 1) return [addsSection(list), h("p", {class: "soft"}, "Choose a city and a task for the plots of scores, ladder and cost.")];
  const [metric] = metrics, places = unique(asked.map(question => `${question.city} ${question.task}`));
  if (places.length > 1) return [addsSection(list), h("p", {class: "soft"}, "Choose a city and a task for the plots of scores, ladder and cost.")];
  const sorted = [...list].sort((a, b) => sign(metric) * (b.row.score.mean - a.row.score.mean));
  const ladder = ladderChart(sorted, metric), one = asked.length === 1, cost = one ? costChart(sorted, metric) : null;
  return [one ? section("Seed by seed", seedsChart(sorted, metric)) : h("p", {class: "soft"}, "Choose a split for the plots of seeds and cost."), ladder ? section("From random to new districts", ladder) : "", cost ? section("Score against cost", cost) : "", addsSection(sorted)];
}

function addsSection(list) {
  const found = addsChart(list);
  return found ? section("What a model adds to counting", found) : "";
}

function rowTable(items, caption, {question = false, model = true, most = 60, sorted = null, dots = null, head = ""} = {}) {
  const of = row => questions[row.question];
  const every = unique(items.map(({row}) => of(row))), metrics = unique(every.map(one => one.metric));
  const words = apart(every, ["city", "task", "split"]);
  const columns = [
    model ? {title: "Row", cell: ({row, line}) => nameCell(row, line, !question, head), value: ({row}) => row.label} : {title: "Question", cell: ({row, line}) => [questionLink(of(row)), h("small", null, labelOf(line, row))], value: ({row}) => of(row).title},
    ...(question ? [
      ...(model && every.length > 1 ? [{title: "Question", cell: ({row}) => h("span", {class: "words"}, questionLink(of(row), words(of(row)))), value: ({row}) => of(row).title}] : []),
      {title: "Inputs on offer", cell: ({row}) => h("span", {class: "words"}, row.inputs.replaceAll(",", ", ")), value: ({row}) => row.inputs},
      {title: "Head", cell: ({row}) => row.head, value: ({row}) => row.head},
      ...(metrics.length > 1 ? [{title: "Metric", cell: ({row}) => metricTitle(of(row).metric), value: ({row}) => of(row).metric}] : []),
    ] : []),
    {title: "Rank", help: "Ranks it may really have in its table, each end with 95 %; 1 for bold rows alone", number: true, up: true, cell: ({line}) => rankText(line), value: ({line}) => line?.rank?.[0]},
    {title: "Score", help: "Mean ± standard deviation over splits; bold: not separable from the best of its table", number: true, cell: ({row, line}) => scoreNode(row, line), value: ({row}) => (row.score ? sign(of(row).metric) * row.score.mean : null)},
    ...(dots ? [{title: "Seeds", cell: ({row}) => seedDots(row, ...dots)}] : []),
    {title: "Adds", help: "What it adds to the best floor", number: true, cell: ({row}) => row.adds?.text || "", value: ({row}) => row.adds?.mean},
    {title: "Time", help: "Vectors with training, and head", number: true, up: true, cell: ({row}) => (row.seconds ? `${row.whole ? "" : "≥ "}${seconds(row.seconds)}` : ""), value: ({row}) => row.seconds},
    {title: "Converged", cell: ({row}) => (row.floor ? "" : row.converged), value: ({row}) => (row.floor ? "" : row.converged)},
  ];
  const used = columns.filter(column => column.title !== "Adds" || items.some(({row}) => row.adds));
  const title = question && metrics.length === 1 ? `${caption}, ${metricTitle(metrics[0])} ${arrow(metrics[0])}` : caption;
  return table(title, used, items, {most, sorted, kind: question ? "wide" : "ranked", rowClass: ({row, line}) => [row.floor ? "is-floor" : "", line?.elsewhere || line?.aside ? "elsewhere" : "", leads(line) ? "leading" : ""].filter(Boolean).join(" ")});
}

function nameCell(row, line, withNotes, head) {
  const place = row.place ? h("span", {class: "pin", title: `knows where it is: ${row.place}`}, "knows place") : "";
  const notes = withNotes && line?.notes?.length ? h("details", {class: "notes"}, h("summary", null, plural(line.notes.length, "note")), listed(line.notes.map(k => data.notes[k]))) : "";
  const other = head && row.head !== head && row.head !== "select" ? h("span", null, `head ${row.head}`) : "";
  return [runLink(row, labelOf(line, row)), h("div", {class: "under"}, kindMark(row, line), other, place, line?.below ? h("span", {class: "below"}, `below ${line.below}`) : "", notes)];
}
