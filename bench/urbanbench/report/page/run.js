// One run: where its numbers come from.
pages.run = (query, id) => {
  const row = rows.find(one => one.id === id || one.also?.includes(id));
  if (!row) return {title: "Not found", nodes: missing("run", id)};
  const question = questions[row.question], at = standing.get(row.at), origin = data.origins[row.origin], asks = question.kind === "retrieval";
  return {title: row.label, nodes: [
    h("p", {class: "crumbs"}, questionLink(question, placeWords(question)), " · ", modelLink(row.model)),
    h("h1", null, at ? labelOf(at.line, row) : row.label),
    row.score ? h("p", {class: "lead"}, h("b", null, `${metricTitle(question.metric)} ${row.score.text}`), `, mean ± standard deviation over ${data.seeds[row.seeds].length} ${asks ? "drawings of candidates" : "seeds"}${row.files.length > 1 ? `, then over ${row.files.length} trainings` : ""}.`, at?.line.rank ? ` It may be rank ${rankText(at.line)} of its table.` : "") : h("p", {class: "notice"}, `${row.status}: ${row.reason}`),
    asks && at ? levelWords(at.table.levels) : "",
    at?.line.notes ? listed(at.line.notes.map(k => data.notes[k])) : "",
    facts([["Kind", {floor: "floor: learns no representation", frozen: "frozen: nothing was trained for it", learned: "learned model"}[kindOf(row)]], ["Inputs on offer", row.inputs.replaceAll(",", ", ")], ["Inputs used", (row.used || (row.score ? row.inputs : "")).replaceAll(",", ", ")], ["Head", row.head], ["Preset", row.preset], ["Settings", Object.entries(row.settings || {}).map(([name, value]) => `${name}=${value}`).join(", ")], ["Trained in", row.from], ["Converged", row.floor ? "" : row.converged], ["Knows where it is", row.place], ["Vector", row.dim ? `${row.dim} numbers` : ""], [asks ? "Queries" : "Units scored", row.units], ["Without data", row.uncovered || ""]]),
    row.score && !asks ? section("On the map", runMap(row)) : "",
    row.score ? seedsSection(row, question) : "",
    section("What it really saw", facts([["In short", row.saw || "not recorded"], ...Object.entries(row.counts || {}).map(([name, [used, of]]) => [name, `${used.toLocaleString("en")} of ${of.toLocaleString("en")}`]), ["Lacks", (row.lacks || []).join(", ")]]), Object.keys(data.variants[row.variant] || {}).length ? [h("h3", null, "What stands in for the paper’s parts"), facts(Object.entries(data.variants[row.variant]))] : ""),
    section("Cost", costFacts(row)),
    row.training !== undefined ? section("Training", listed(data.trainings[row.training].map(stage => stage.said)), lossChart(data.trainings[row.training]) || "") : "",
    section("Where this comes from", facts([["Result", joined(row.files.map(file => h("code", null, file)), h("br"))], ["Computed", row.started ? `${row.started.replace("T", " ")} UTC` : ""], ["Machine", origin.machine], ["Device", origin.device], ["urbanbench", origin.urbanbench], ["Commit", (origin.git_commit || "").slice(0, 12) + (origin.git_dirty ? " (with changes)" : "")], ["Python", [origin.python, origin.platform].filter(Boolean).join(", ")], ["Packages", Object.entries(origin.packages).filter(([, version]) => version).map(([name, version]) => `${name} ${version}`).join(", ")], ["Versions", Object.entries(data.versions[row.versions] || {}).map(([name, version]) => `${name} ${version}`).join(", ")], ...row.hashes.map((hash, k) => [`Hash of ${data.hashes[k]}`, hash ? h("code", null, hash) : ""])]),
      h("h3", null, "Ask further"), h("pre", null, [`urbanbench describe RESULTS/${row.files[0]}`, asks ? `urbanbench data questions ${question.city} -t ${question.task} -o sheet.png` : `urbanbench residuals RESULTS/${row.files[0]} -o residuals.png`, `urbanbench results verify RESULTS --row ${row.id.slice(0, 10)}`].join("\n")),
      h("details", null, h("summary", null, "All parameters"), facts(Object.entries(data.parameters[row.params]).map(([name, value]) => [name, JSON.stringify(value)])))),
  ]};
};

function costFacts(row) {
  const cost = row.cost || {};
  return facts([["Vectors", row.embed ? `${row.embed} s` : ""], ["Head, all seeds", cost.head !== undefined ? seconds(cost.head) : ""], ["Together", row.seconds ? `${row.whole ? "" : "at least "}${seconds(row.seconds)}` : "not known"], ["Of processor", cost.processor !== undefined ? `${cost["processor misses"] ? "at least " : ""}${seconds(cost.processor)}${cost["processor misses"] ? `; not counted: ${cost["processor misses"]}` : ""}` : ""], ["Throughput", cost.rate ? `${number(cost.rate)} units/s, training included` : ""], ["Peak memory", cost.MB ? `${number(cost.MB)} MB` : ""], ["GPU memory", cost["GPU MB"] ? `${number(cost["GPU MB"])} MB` : ""], ["Weights trained", cost.trained !== undefined ? cost.trained.toLocaleString("en") : ""], ["Frozen weights", cost.frozen ? cost.frozen.toLocaleString("en") : ""], ["A vector", cost.bytes ? `${cost.bytes} bytes` : ""], ["Energy", cost.J ? `${number(cost.J)} J` : "not measured"]]);
}

function seedsSection(row, question) {
  const list = row.score.trainings || [row.score.values], seeds = data.seeds[row.seeds];
  const names = list.length > 1 ? list.map((_, k) => `training ${k + 1}`) : [metricTitle(question.metric)];
  const columns = [{title: "Seed", cell: one => String(one.seed), value: one => one.seed, number: true, up: true}, ...names.map((name, k) => ({title: name, number: true, cell: one => (one.values[k] === null ? "none" : number(one.values[k], 4)), value: one => one.values[k]}))];
  const items = seeds.map((seed, k) => ({seed, values: list.map(values => values[k])}));
  return section("Scores", facts(Object.entries(row.others || {}).map(([name, [text]]) => [`${metricTitle(name)} ${arrow(name)}`, text])), table(`${metricTitle(question.metric)} by seed`, columns, items, {most: 40, kind: "small"}));
}
