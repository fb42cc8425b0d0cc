// Plots by Vega-Lite. Each has a sentence that says what is drawn; the numbers themselves stand in the tables.
const tip = document.getElementById("tip");
const drawn = new Set();

function ink(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function showTip(event, value) {
  if (value === null || value === undefined || value === "") { tip.hidden = true; return; }
  const lines = typeof value === "object" ? Object.entries(value) : [["", String(value)]];
  tip.replaceChildren(...lines.map(([name, text]) => h("div", null, name && name !== "title" ? [h("span", null, name), " "] : "", name === "title" ? h("b", null, String(text)) : String(text))));
  tip.hidden = false;
  const [x, y] = [event.clientX, event.clientY], box = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - box.width - 8))}px`;
  tip.style.top = `${y + 18 + box.height > innerHeight ? Math.max(4, y - box.height - 12) : y + 18}px`;
}

const tooltips = (_, event, item, value) => showTip(event, value);

function look() {
  const text = ink("ink"), soft = ink("soft"), line = ink("line");
  const font = "ui-sans-serif, system-ui, -apple-system, Segoe UI, Roboto, sans-serif";
  return {
    background: "transparent", font, view: {stroke: null}, padding: {left: 0, right: 4, top: 4, bottom: 0},
    axis: {labelColor: soft, titleColor: text, titleFontWeight: 500, titleFontSize: 12, labelFontSize: 12, gridColor: line, domainColor: line, tickColor: line, labelLimit: 260, titlePadding: 8},
    axisY: {domain: false, ticks: false, labelPadding: 8}, legend: {labelColor: soft, titleColor: text, labelFontSize: 12, titleFontSize: 12, symbolSize: 80, labelLimit: 240},
    header: {labelColor: text, titleColor: text, labelFontWeight: 600, labelFontSize: 12}, title: {color: text, fontSize: 13, fontWeight: 600, anchor: "start"},
  };
}

const kinds = () => ({domain: ["learned", "frozen", "floor"], range: [ink("learned"), ink("frozen"), ink("floor")]});

// A plot that is drawn when it comes into sight; `spec` is a function, since colours and widths change.
function chart(words, spec, {height = 260, renderer = "svg"} = {}) {
  const holder = h("div", {class: "plot", role: "img", "aria-label": words, style: {"min-height": `${height}px`}});
  const figure = h("figure", null, holder, h("figcaption", null, words));
  if (!window.vegaEmbed) {
    holder.append(h("p", {class: "soft"}, "This page was made without the plotting library: pip install 'urbanbench[report]' and write the report again. The numbers stand in the tables."));
    return figure;
  }
  const one = {holder, view: null};
  one.draw = () => {
    one.view?.finalize();
    const told = {description: words, $schema: "https://vega.github.io/schema/vega-lite/v6.json", autosize: {type: "fit-x", contains: "padding"}, width: "container", ...spec()};
    window.vegaEmbed(canvasIn(holder), told, {actions: false, ast: true, renderer, tooltip: tooltips, config: look(), defaultStyle: false, mode: "vega-lite"})
      .then(made => { one.view = made; holder.dataset.drawn = "yes"; holder.style.setProperty("min-height", "0"); });
  };
  one.sight = new IntersectionObserver(seen => {
    if (seen.some(entry => entry.isIntersecting)) { one.sight.disconnect(); drawn.add(one); one.draw(); }
  }, {rootMargin: "300px"});
  one.sight.observe(holder);
  waiting.add(one);
  return figure;
}

const waiting = new Set();

// Vega names the element that it draws into and every mark; our own element says in a sentence what is drawn.
function canvasIn(holder) {
  const inner = h("div", {class: "inner", "aria-hidden": "true"});
  holder.replaceChildren(inner);
  return inner;
}

function clearCharts() {
  for (const one of waiting) { one.sight?.disconnect(); one.view?.finalize(); }
  waiting.clear();
  drawn.clear();
  tip.hidden = true;
}

function redraw() {
  for (const one of drawn) one.draw();
}

const narrow = () => main.clientWidth < 620;
const axisLimit = () => (narrow() ? 130 : 330);
const step = count => count * (count > 24 ? 17 : 21) + 4;

// Values seed by seed: a dot each, the mean as a stroke; best first. Levels of a retrieval (chance, oracle) are upright lines.
function seedsChart(list, metric, levels = []) {
  const items = list.filter(({row}) => row.score?.values?.length).slice(0, 40);
  const order = items.map(({row, line}) => labelOf(line, row));
  const points = items.flatMap(({row, line}) => row.score.values.map((value, k) => ({label: labelOf(line, row), value, seed: data.seeds[row.seeds][k], kind: kindOf(row)})));
  const means = items.map(({row, line}) => ({label: labelOf(line, row), value: row.score.mean, text: row.score.text, kind: kindOf(row), lead: leads(line)}));
  const lines = levels.map(one => ({label: one.name, value: Number(one.score), text: one.kind}));
  const values = [...points, ...lines].map(one => one.value).filter(Number.isFinite).sort((a, b) => a - b);
  const low = values[Math.floor(values.length * 0.02)], high = values[values.length - 1];
  const x = {field: "value", type: "quantitative", title: `${metricTitle(metric)} ${arrow(metric)}`, scale: {domain: [low, high], clamp: true, nice: true, zero: false}};
  const y = {field: "label", type: "nominal", sort: order, title: null, axis: {labelLimit: axisLimit(), grid: true}};
  return chart(`Each dot is the score on one seed's ${levels.length ? "candidates" : "split"}, the stroke their mean${levels.length ? `; upright lines are ${joined(lines.map(one => `${one.label} (${one.value})`), " and ").join("")}` : ""}${items.length < list.length ? `; the first ${items.length} of ${list.length} rows` : ""}. Scores beyond the lower end stand at it.`, () => ({
    height: step(items.length), layer: [
      ...(lines.length ? [{data: {values: lines}, mark: {type: "rule", strokeDash: [4, 3], strokeWidth: 1.5}, encoding: {x, color: {value: ink("soft")}, tooltip: [{field: "label", title: "title"}, {field: "text", title: "who"}, {field: "value", title: metricTitle(metric), format: ".3f"}]}}] : []),
      {data: {values: points}, mark: {type: "circle", size: 28, opacity: 0.5}, encoding: {x, y, color: {field: "kind", type: "nominal", scale: kinds(), legend: {title: null, orient: "top"}}, tooltip: [{field: "label", title: "title"}, {field: "seed", title: "seed"}, {field: "value", title: metricTitle(metric), format: ".4f"}]}},
      {data: {values: means}, mark: {type: "tick", thickness: 2.5, size: 14}, encoding: {x, y, color: {value: ink("ink")}, tooltip: [{field: "label", title: "title"}, {field: "text", title: metricTitle(metric)}]}},
    ]}), {height: items.length * 20 + 60});
}

// Ranks that rows may have, by what their splits say together.
function ranksChart(list) {
  const items = list.filter(({line}) => line?.rank);
  if (items.length < 3) return null;
  const values = items.map(({row, line}, k) => ({label: labelOf(line, row), low: line.rank[0], high: line.rank[1], at: k + 1, kind: kindOf(row), lead: leads(line) ? "may be the best" : "other", score: row.score.text}));
  const y = {field: "label", type: "nominal", sort: values.map(one => one.label), title: null, axis: {labelLimit: axisLimit()}};
  const scale = {domain: [1, Math.max(...values.map(one => one.high))], nice: false};
  return chart(`Ranks that each of ${items.length} rows may really have, each end with 95 % by itself; the dot is its rank by mean.`, () => ({
    height: step(items.length), data: {values}, layer: [
      {mark: {type: "bar", height: 7, cornerRadius: 3, opacity: 0.55}, encoding: {x: {field: "low", type: "quantitative", title: "possible rank", scale, axis: {tickMinStep: 1}}, x2: {field: "high"}, y, color: {field: "kind", type: "nominal", scale: kinds(), legend: {title: null, orient: "top"}}, tooltip: tipsOf("low", "high", "score")}},
      {mark: {type: "circle", size: 44, opacity: 1}, encoding: {x: {field: "at", type: "quantitative", scale}, y, color: {field: "kind", type: "nominal", scale: kinds()}, tooltip: tipsOf("low", "high", "score")}},
    ]}), {height: items.length * 20 + 60});
}

function tipsOf(...names) {
  const titles = {low: "from rank", high: "to rank"};
  return [{field: "label", title: "title"}, ...names.map(name => ({field: name, title: titles[name] || name}))];
}

// Score against seconds, one panel a machine; filled rows are beaten by no other in both.
function costChart(list, metric) {
  const items = list.filter(({row}) => row.seconds && row.score);
  if (items.length < 2) return null;
  const counts = new Map();
  for (const {row} of items) { const place = data.origins[row.origin].machine; counts.set(place, (counts.get(place) || 0) + 1); }
  const machine = [...counts].sort((a, b) => b[1] - a[1])[0][0];
  const values = items.filter(({row}) => data.origins[row.origin].machine === machine)
    .map(({row, line}) => ({label: labelOf(line, row), seconds: row.seconds, value: row.score.mean, kind: kindOf(row), front: row.front ? "on the front" : "beaten", time: (row.whole ? "" : "at least ") + seconds(row.seconds), text: row.score.text}));
  if (values.length < 2) return null;
  const sorted = values.map(one => one.value).sort((a, b) => a - b);
  const scale = {domain: [sorted[Math.floor(sorted.length * 0.04)], sorted[sorted.length - 1]], clamp: true, nice: true, zero: false};
  const tooltip = [{field: "label", title: "title"}, {field: "text", title: metricTitle(metric)}, {field: "time", title: "vectors and head"}];
  // Names that would lie over one another are left out, from the lowest score up.
  const height = scale.domain[1] - scale.domain[0], named = [];
  for (const one of [...values].filter(each => each.front === "on the front").sort((a, b) => sign(metric) * (b.value - a.value))) {
    if (named.every(other => Math.abs(other.value - one.value) > 0.05 * height || Math.abs(Math.log10(other.seconds / one.seconds)) > 0.8)) named.push(one);
  }
  return chart(`Score against the time of vectors and head, on ${machine || "one machine"}${counts.size > 1 ? ` (${values.length} of ${items.length} rows; times of other machines are not compared with these)` : ""}. Full dots: no other row scores as high in less time.`, () => ({
    height: 320, data: {values}, layer: [
      ...[false, true].filter(front => values.some(one => (one.front === "on the front") === front)).map(front => ({transform: [{filter: `(datum.front === "on the front") === ${front}`}], mark: {type: "point", size: front ? 90 : 60, filled: front, opacity: front ? 1 : 0.75, strokeWidth: 1.6}, encoding: {
        x: {field: "seconds", type: "quantitative", scale: {type: "log"}, title: "seconds (log)", axis: {format: "~g", tickCount: 6}}, y: {field: "value", type: "quantitative", scale, title: `${metricTitle(metric)} ${arrow(metric)}`},
        color: {field: "kind", type: "nominal", scale: kinds(), legend: {title: null, orient: "top"}}, tooltip}})),
      ...(narrow() || !named.length ? [] : [{data: {values: named}, mark: {type: "text", align: "left", dx: 8, dy: -6, fontSize: 11, limit: 150}, encoding: {x: {field: "seconds", type: "quantitative"}, y: {field: "value", type: "quantitative", scale}, text: {field: "label"}, color: {value: ink("soft")}}}]),
    ]}), {height: 340});
}

// The ladder: one line a row from the easiest split to the hardest.
function ladderChart(list, metric) {
  const climbs = new Map();
  for (const {row} of list) {
    const question = questions[row.question];
    if (question.parity || question.metric !== metric || !row.score || question.from) continue;
    if (!climbs.has(row.series)) climbs.set(row.series, []);
    climbs.get(row.series).push({row, question});
  }
  const whole = [...climbs.values()].filter(climb => new Set(climb.map(one => one.question.split)).size > 1);
  const places = new Set(whole.map(climb => `${climb[0].question.city} ${climb[0].question.task}`));
  if (!whole.length || places.size > 1) return null;
  const best = climb => Math.max(...climb.map(({row}) => sign(metric) * row.score.mean));
  const kept = whole.sort((a, b) => best(b) - best(a)).slice(0, 30);
  const values = kept.flatMap(climb => climb.map(({row, question}) => ({label: row.label, series: row.series, split: question.split, rung: question.rung, value: row.score.mean, text: row.score.text, kind: kindOf(row)})));
  const splits = unique(values.sort((a, b) => a.rung - b.rung).map(one => one.split));
  const all = values.map(one => one.value).sort((a, b) => a - b), low = all[Math.floor(all.length * 0.03)];
  return chart(`From filling gaps (random) to new districts: each line is a row at every rung it was run at${kept.length < whole.length ? `; the best ${kept.length} of ${whole.length}` : ""}. A line that falls leaned on where units lie.`, () => ({
    height: 340, data: {values}, mark: {type: "line", point: {size: 40, filled: true}, opacity: 0.75, strokeWidth: 1.6, clip: true}, encoding: {
      x: {field: "split", type: "ordinal", sort: splits, title: null, axis: {labelAngle: 0, grid: true}, scale: {padding: 0.3}}, y: {field: "value", type: "quantitative", title: `${metricTitle(metric)} ${arrow(metric)}`, scale: {zero: false, domain: [low, all[all.length - 1]], clamp: true}},
      detail: {field: "series"}, color: {field: "kind", type: "nominal", scale: kinds(), legend: {title: null, orient: "top"}}, tooltip: [{field: "label", title: "title"}, {field: "split", title: "split"}, {field: "text", title: metricTitle(metric)}]},
  }), {height: 380});
}

// What models add to the best floor, beside what a second floor adds.
function addsChart(list) {
  const items = list.filter(({row}) => row.adds?.mean !== undefined);
  if (!items.length) return null;
  const asked = unique(items.map(({row}) => questions[row.question])), several = asked.length > 1, where = apart(asked, ["split", "city", "task"]);
  const alone = ({row}) => items.filter(other => other.row.model === row.model && other.row.question === row.question).length === 1;
  const name = one => (several ? `${alone(one) ? modelTitle(one.row.model) : one.row.label} · ${where(questions[one.row.question])}` : labelOf(one.line, one.row));
  const values = items.map((one, k) => ({key: `${k}|${name(one)}`, label: labelOf(one.line, one.row), mean: one.row.adds.mean, low: one.row.adds.mean - (one.row.adds.sd || 0), high: one.row.adds.mean + (one.row.adds.sd || 0), second: one.row.adds.second ?? null, text: one.row.adds.text, floors: one.row.adds.floors}))
    .sort((a, b) => b.mean - a.mean).slice(0, 40);
  const y = {field: "key", type: "nominal", sort: values.map(one => one.key), title: null, axis: {labelLimit: several ? axisLimit() + 60 : axisLimit(), labelExpr: "slice(datum.label, indexof(datum.label, '|') + 1)"}};
  const x = {field: "mean", type: "quantitative", title: "gain over the best floor alone"};
  const tooltip = [{field: "label", title: "title"}, {field: "text", title: "adds"}, {field: "floors", title: "to"}, {field: "second", title: "a second floor adds", format: "+.3f"}];
  return chart("What each model adds to the best floor, read together with it: mean and spread over splits. The hollow mark is what a second floor adds instead, the measure of it.", () => ({
    height: step(values.length), data: {values}, layer: [
      {data: {values: [{}]}, mark: {type: "rule", strokeDash: [3, 3]}, encoding: {x: {datum: 0, type: "quantitative"}, color: {value: ink("soft")}}},
      {mark: {type: "rule", strokeWidth: 2, opacity: 0.6}, encoding: {x: {field: "low", type: "quantitative", title: x.title}, x2: {field: "high"}, y, color: {value: ink("learned")}}},
      {mark: {type: "circle", size: 60, opacity: 1}, encoding: {x, y, color: {value: ink("learned")}, tooltip}},
      {transform: [{filter: "isValid(datum.second)"}], mark: {type: "point", shape: "diamond", size: 50, filled: false, strokeWidth: 1.5}, encoding: {x: {field: "second", type: "quantitative"}, y, color: {value: ink("floor")}, tooltip}},
    ]}), {height: values.length * 20 + 60});
}

// Ours beside a paper's printed numbers.
function paperChart(list, metric) {
  const items = list.filter(({line}) => line?.paper);
  if (!items.length) return null;
  const values = items.flatMap(({row, line}) => [{label: labelOf(line, row), who: "measured here", value: row.score.mean, text: row.score.text}, {label: labelOf(line, row), who: "published", value: line.paper.mean, text: line.paper.text}]);
  const y = {field: "label", type: "nominal", sort: items.map(({row, line}) => labelOf(line, row)), title: null, axis: {labelLimit: axisLimit()}};
  const x = {field: "value", type: "quantitative", title: `${metricTitle(metric)} ${arrow(metric)}`, scale: {zero: false}};
  return chart("Measured here beside what the paper prints. The paper used other extracts, labels and splits: its numbers are no target and are never ranked.", () => ({
    height: step(items.length), data: {values}, layer: [
      {mark: {type: "line", strokeWidth: 1.5, opacity: 0.5}, encoding: {x, y, detail: {field: "label"}, color: {value: ink("soft")}}},
      {mark: {type: "point", size: 70, filled: true, opacity: 1}, encoding: {x, y, shape: {field: "who", type: "nominal", scale: {domain: ["measured here", "published"], range: ["circle", "diamond"]}, legend: {title: null, orient: "top"}}, color: {field: "who", type: "nominal", scale: {domain: ["measured here", "published"], range: [ink("learned"), ink("soft")]}, legend: {title: null, orient: "top"}}, tooltip: [{field: "label", title: "title"}, {field: "who", title: "who"}, {field: "text", title: metricTitle(metric)}]}},
    ]}), {height: items.length * 20 + 70});
}

// Losses of a training, stage by stage, on held-out data, with the level of chance.
function lossChart(stages) {
  const curves = stages.filter(stage => (stage.checks || stage.curve || []).length > 1);
  if (!curves.length) return null;
  const values = curves.flatMap(stage => (stage.checks || stage.curve).map(([at, loss]) => ({stage: stage.name, step: at, loss, of: stage.chance ? loss / stage.chance : null})));
  const shares = values.every(one => one.of !== null);
  return chart(`Held-out loss of each stage${shares ? " as a share of its level of chance" : ""}, by steps of training.`, () => ({
    height: 240, data: {values}, mark: {type: "line", strokeWidth: 2, interpolate: "monotone"}, encoding: {
      x: {field: "step", type: "quantitative", title: "step"}, y: {field: shares ? "of" : "loss", type: "quantitative", title: shares ? "loss / chance" : "loss", scale: {zero: false}},
      color: {field: "stage", type: "nominal", legend: {title: null, orient: "top"}, scale: {scheme: "tableau10"}}, tooltip: [{field: "stage", title: "title"}, {field: "step", title: "step"}, {field: "loss", title: "loss", format: ".4f"}]},
  }), {height: 260});
}
