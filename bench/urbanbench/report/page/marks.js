// What tables say of a row: its mark, its possible ranks, and how it is shown.
const standing = new Map();  // place of a row -> where it stands: {question, table, line}

for (const question of questions) {
  const order = question.main === null ? [] : [question.tables[question.main], ...question.tables.filter((_, k) => k !== question.main)];
  for (const table of order) {
    for (const line of table.lines) {
      if (!line.elsewhere && !standing.has(line.row)) standing.set(line.row, {question, table, line});
    }
  }
}
rows.forEach((row, place) => { row.at = place; });

const labelOf = (line, row) => line?.label || row.label;
const leads = line => line?.mark === "best" || line?.mark === "tied";

const kindOf = row => (row.floor ? "floor" : row.frozen ? "frozen" : "learned");

function kindWord(row, line) {
  return line?.elsewhere ? "floor, other inputs" : kindOf(row);
}

function kindMark(row, line) {
  return h("span", {class: `kind ${kindOf(row)}`}, kindWord(row, line));
}

function scoreNode(row, line) {
  if (!row.score?.text) return h("span", {class: "soft"}, row.status);
  const text = row.score.text.split(" ± ");
  const inner = [h("span", {class: "mean"}, text[0]), text.length > 1 ? h("span", {class: "sd"}, " ± " + text.slice(1).join(" ± ")) : ""];
  const words = line?.mark === "best" ? "the best mean" : line?.mark === "tied" ? "not separable from the best" : "";
  return h("a", {href: address("run", row.id), class: leads(line) ? `score leads ${line.mark}` : "score", title: words || "open this run"}, inner,
    words ? h("span", {class: "spoken"}, ` (${words})`) : "");
}

function rankText(line) {
  if (!line?.rank) return "";
  const [low, high] = line.rank;
  return low === high ? String(low) : `${low}–${high}`;
}

const VERDICTS = {
  floors: ["a floor", "floors only"],
  together: ["not separable", "rows of several kinds, not separable"],
  learned: ["learned", "learned models only"],
  frozen: ["frozen", "frozen models only"],
  open: ["too few rows", "too few rows to say"],
};

const verdictMark = word => h("span", {class: `verdict ${word}`}, VERDICTS[word][0]);

// Small dots of a row's values, seed by seed, on the scale of its table.
function seedDots(row, low, high) {
  const values = (row.score?.values || []).filter(value => value !== null);
  if (values.length < 2 || !(high > low)) return "";
  const at = value => `${Math.min(100, Math.max(0, 100 * (value - low) / (high - low)))}%`;
  return h("span", {class: "dots", "aria-hidden": "true"}, values.map(value => h("i", {style: {left: at(value)}})), h("b", {style: {left: at(row.score.mean)}}));
}

function spanOf(list) {
  const values = list.flatMap(row => row.score?.values || []).filter(value => value !== null).sort((a, b) => a - b);
  return values.length ? [values[Math.floor(values.length * 0.03)], values[values.length - 1]] : [0, 1];
}
