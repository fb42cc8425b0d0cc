// Maps by Vega: regions from the city's folder, its main roads over them, or dots for units that are no regions. They zoom, move and answer to the pointer.
const decoded = new Map();

function numbers(told) {
  if (!told?.text) return [];
  if (!decoded.has(told)) {
    const raw = atob(told.text), found = new Array(raw.length / 2);
    for (let k = 0; k < found.length; k++) {
      const code = raw.charCodeAt(2 * k) | (raw.charCodeAt(2 * k + 1) << 8);
      found[k] = code === 65535 ? null : told.low + (code / 65534) * (told.high - told.low);
    }
    decoded.set(told, found);
  }
  return decoded.get(told);
}

function walk(steps) {
  const line = [];
  let x = 0, y = 0;
  for (let k = 0; k < steps.length; k += 2) line.push([(x += steps[k]), (y += steps[k + 1])]);
  return line;
}

const outlinesOf = city => data.outlines[data.cities[city]?.outlines];

function shapesOf(outlines) {
  outlines.shapes ??= outlines.rings.map((rings, k) => ({type: "Feature", id: k, geometry: {type: "Polygon", coordinates: rings.map(walk)}}));
  return outlines.shapes;
}

function roadsOf(city) {
  const facts = data.cities[city];
  facts.lines ??= {type: "Feature", geometry: {type: "MultiLineString", coordinates: (facts.roads || []).map(walk)}};
  return facts.lines;
}

// Colours: viridis; a scale with a middle, from blue (too low) to orange (too high); and Tableau's classes.
const VIRIDIS = ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"];
const TWO_SIDED = ["#134b7c", "#2f79b5", "#79b4d9", "#c2ddec", "#f3f1ee", "#fbd3ab", "#f09a52", "#d0651d", "#8a3b08"];
const CLASSES = ["#4c78a8", "#f58518", "#54a24b", "#e45756", "#72b7b2", "#eeca3b", "#b279a2", "#ff9da6", "#9d755d", "#7f7f7f", "#1f9e89", "#8c6bb1"];

const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.max(0, Math.round(share * (sorted.length - 1))))];

// What is drawn: {values, classes, title, unit, diverging, tips(place)}; `values` stand in the order of the map's units.
function scaleOf(layer) {
  if (layer.classes) return {name: "colour", type: "ordinal", domain: layer.classes, range: layer.classes.map((_, k) => CLASSES[k % CLASSES.length])};
  const known = layer.values.filter(value => value !== null).sort((a, b) => a - b);
  const low = quantile(known, 0.02) ?? 0, high = quantile(known, 0.98) ?? 1, far = Math.max(Math.abs(low), Math.abs(high)) || 1;
  const range = layer.diverging ? TWO_SIDED : VIRIDIS, [from, to] = layer.diverging ? [-far, far] : low === high ? [low - 1, high + 1] : [low, high];
  return {name: "colour", type: "linear", clamp: true, domain: range.map((_, k) => from + (to - from) * k / (range.length - 1)), range};
}

function mapSpec(city, units, layer, width, height) {
  const outlines = outlinesOf(city), [w, s] = outlines.size, pad = 6;
  const scale = Math.min((width - 2 * pad) / w, (height - 2 * pad) / s);
  const at = [(width - w * scale) / 2, (height - s * scale) / 2];
  const regions = !units.xy;
  const place = units.regions || outlines.ids.map((_, k) => k);
  const known = regions ? new Map(place.map((region, k) => [region, k])) : new Map();
  const fill = k => (k === undefined || layer.values[k] === null || layer.values[k] === undefined ? null : layer.classes ? layer.classes[Math.round(layer.values[k])] : layer.values[k]);
  const features = shapesOf(outlines).map((shape, region) => ({...shape, value: fill(known.get(region)), told: tipOf(outlines, region, known.get(region), layer)}));
  const dots = regions ? [] : Array.from({length: units.xy.length / 2}, (_, k) => ({x: units.xy[2 * k], y: units.xy[2 * k + 1], value: fill(k), told: {...layer.tips(k)}}));
  const paint = [{test: "datum.value === null", value: ink("nodata")}, {scale: "colour", field: "value"}];
  return {
    $schema: "https://vega.github.io/schema/vega/v6.json", width, height, autosize: "none",
    signals: [{name: "zoom", value: 1}, {name: "tx", value: at[0]}, {name: "ty", value: at[1]}, {name: "unit", value: scale}],
    projections: [{name: "plane", type: "identity", scale: {signal: "unit * zoom"}, translate: [{signal: "tx"}, {signal: "ty"}]}],
    data: [{name: "shapes", values: features}, {name: "roads", values: [roadsOf(city)]}, {name: "dots", values: dots}],
    scales: [scaleOf(layer)],
    marks: [
      {type: "shape", from: {data: "shapes"}, transform: [{type: "geoshape", projection: "plane"}],
        encode: {update: {fill: regions ? paint : {value: ink("nodata")}, stroke: {value: ink("paper")}, strokeWidth: features.length > 600 ? {signal: "min(0.6, 0.15 * zoom)"} : {value: 0.6}, tooltip: {signal: "datum.told"}}, hover: {stroke: {value: ink("ink")}, strokeWidth: {value: 1.8}}}},
      {type: "shape", from: {data: "roads"}, interactive: false, transform: [{type: "geoshape", projection: "plane"}],
        encode: {update: {fill: {value: null}, stroke: {value: ink("road")}, strokeWidth: {value: 0.9}, opacity: {value: regions ? 0.55 : 0.8}}}},
      {type: "symbol", from: {data: "dots"}, encode: {update: {x: {signal: "datum.x * unit * zoom + tx"}, y: {signal: "datum.y * unit * zoom + ty"}, size: {signal: "clamp(12 * zoom, 12, 90)"}, fill: paint, opacity: {value: 0.9}, tooltip: {signal: "datum.told"}}, hover: {size: {value: 120}}}},
    ],
    config: look(),
  };
}

function tipOf(outlines, region, k, layer) {
  const title = outlines.names[region] || outlines.ids[region];
  return {title, ...(k === undefined ? {"": "no label here"} : layer.tips(k))};
}

// A map with its key, buttons and a table of its values. `layers` is a list of {name, …} to choose from.
function map(city, key, layers, words) {
  const units = data.maps[key], outlines = outlinesOf(city);
  if (!outlines) return h("p", {class: "soft"}, `No map: ${data.cities[city]?.absent || "the city is not on the machine that made this page."}`);
  if (!window.vegaEmbed) return h("p", {class: "soft"}, "No map: this page was made without the plotting library.");
  let layer = layers[0], one = null;
  const [w, s] = outlines.size;
  const holder = h("div", {class: "plot map", role: "application", tabindex: "0", "aria-label": `${words} Arrow keys move the map, plus and minus zoom, zero shows all.`});
  const legend = h("div", {class: "legend"});
  const values = h("details", null, h("summary", null, "Values as a table"));
  const pick = layers.length > 1 ? h("div", {class: "choice", role: "group", "aria-label": "What the map shows"}, layers.map((each, k) =>
    h("button", {type: "button", "aria-pressed": String(k === 0), onclick: event => { layer = each; for (const button of event.target.parentNode.children) button.setAttribute("aria-pressed", String(button === event.target)); draw(); }}, each.name))) : "";

  function change(factor, x, y) {
    const view = one?.view;
    if (!view) return;
    const before = view.signal("zoom"), after = Math.min(60, Math.max(1, before * factor));
    const [tx, ty] = [view.signal("tx"), view.signal("ty")], ratio = after / before;
    view.signal("zoom", after).signal("tx", x - (x - tx) * ratio).signal("ty", y - (y - ty) * ratio).run();
    holder.dataset.zoom = after.toFixed(2);
  }
  const middle = factor => change(factor, holder.clientWidth / 2, holder.clientHeight / 2);
  const move = (dx, dy) => { const view = one?.view; view?.signal("tx", view.signal("tx") + dx).signal("ty", view.signal("ty") + dy).run(); };

  function draw() {
    one.view?.finalize();
    const width = Math.max(240, holder.clientWidth), height = Math.round(Math.min(560, Math.max(260, width * Math.min(1, Math.max(0.5, s / w)))));
    holder.style.height = `${height}px`;
    window.vegaEmbed(canvasIn(holder), mapSpec(city, units, layer, width, height), {actions: false, ast: true, renderer: "canvas", tooltip: tooltips, defaultStyle: false, mode: "vega"})
      .then(made => { one.view = made.view; holder.dataset.drawn = "yes"; holder.dataset.zoom = "1.00"; });
    legend.replaceChildren(keyOf(layer));
    fillValues();
  }

  function fillValues() {
    const names = units.xy ? null : outlines.names.length ? outlines.names : outlines.ids;
    const items = layer.values.map((value, k) => ({name: names ? names[(units.regions || [])[k] ?? k] : `unit ${k + 1}`, told: layer.tips(k), value})).filter(each => each.value !== null);
    const heads = items.length ? Object.keys(items[0].told) : [];
    values.replaceChildren(h("summary", null, "Values as a table"));
    values.ontoggle = () => {
      if (values.open && values.children.length === 1) values.append(table(`${words} ${layer.name}`, [{title: units.level || "unit", cell: each => each.name, value: each => each.name}, ...heads.map(head => ({title: head, number: true, cell: each => each.told[head], value: each => Number.parseFloat(String(each.told[head]).replace("−", "-").replaceAll(",", ""))}))], items, {most: 25}));
    };
  }

  holder.addEventListener("wheel", event => { if (!event.ctrlKey && document.activeElement !== holder) return; event.preventDefault(); const box = holder.getBoundingClientRect(); change(Math.exp(-event.deltaY / 300), event.clientX - box.left, event.clientY - box.top); }, {passive: false});
  holder.addEventListener("dblclick", event => { const box = holder.getBoundingClientRect(); change(2, event.clientX - box.left, event.clientY - box.top); });
  holder.addEventListener("keydown", event => {
    const act = {"+": () => middle(1.5), "=": () => middle(1.5), "-": () => middle(1 / 1.5), 0: draw, ArrowLeft: () => move(40, 0), ArrowRight: () => move(-40, 0), ArrowUp: () => move(0, 40), ArrowDown: () => move(0, -40)}[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  const held = new Map();
  holder.addEventListener("pointerdown", event => { if (event.pointerType === "touch" && held.size === 0 && !(Number(holder.dataset.zoom) > 1)) { held.set(event.pointerId, event); return; } held.set(event.pointerId, event); holder.setPointerCapture(event.pointerId); });
  holder.addEventListener("pointermove", event => {
    const before = held.get(event.pointerId);
    if (!before) return;
    if (held.size === 2) {
      const other = [...held.values()].find(each => each.pointerId !== event.pointerId), box = holder.getBoundingClientRect();
      const far = from => Math.hypot(from.clientX - other.clientX, from.clientY - other.clientY) || 1;
      change(far(event) / far(before), (event.clientX + other.clientX) / 2 - box.left, (event.clientY + other.clientY) / 2 - box.top);
    } else if (Number(holder.dataset.zoom) > 1 || event.pointerType === "mouse") {
      move(event.clientX - before.clientX, event.clientY - before.clientY);
    }
    held.set(event.pointerId, event);
  });
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) holder.addEventListener(name, event => held.delete(event.pointerId));
  holder.addEventListener("pointerleave", () => { tip.hidden = true; });

  one = {holder, view: null, draw};
  one.sight = new IntersectionObserver(seen => { if (seen.some(entry => entry.isIntersecting)) { one.sight.disconnect(); drawn.add(one); draw(); } }, {rootMargin: "200px"});
  one.sight.observe(holder);
  waiting.add(one);
  const buttons = h("div", {class: "zoom"}, h("button", {type: "button", "aria-label": "Zoom in", onclick: () => middle(1.6)}, "+"), h("button", {type: "button", "aria-label": "Zoom out", onclick: () => middle(1 / 1.6)}, "−"), h("button", {type: "button", onclick: draw}, "All"));
  const some = units.xy && units.units > units.xy.length / 2 ? ` ${(units.xy.length / 2).toLocaleString("en")} of ${units.units.toLocaleString("en")} units are drawn.` : "";
  return h("figure", {class: "mapped"}, pick, h("div", {class: "around"}, holder, buttons), legend,
    h("figcaption", null, `${words}${some} Grey: no label${layers.length > 1 ? ", or in no test part" : ""}. `, h("span", {class: "credit"}, `Labels: ${units.credit || "not stated"}. ${roadCredit(city)}`)), values);
}

function roadCredit(city) {
  const layers = data.cities[city]?.layers || {};
  return layers.roads ? `Roads: ${layers.roads.attribution || layers.roads.source || "not stated"}.` : "";
}

// The key of a map: a band of colours with its ends, or the classes.
function keyOf(layer) {
  const {domain, range} = scaleOf(layer);
  if (layer.classes) return h("ul", {class: "classes"}, domain.map((name, k) => h("li", null, h("i", {style: {background: range[k]}}), name)));
  return h("div", {class: "band"}, h("span", null, number(domain[0])), h("i", {style: {background: `linear-gradient(90deg, ${range.join(", ")})`}}), h("span", null, number(domain[domain.length - 1])), h("span", {class: "soft"}, [layer.title, layer.unit].filter(Boolean).join(", ")));
}

// Layers of a label's true values, and of what a run said of them.
function truthLayer(units) {
  const values = numbers(units.true);
  const told = k => (units.classes ? {[units.shares ? "largest share" : "class"]: units.classes[Math.round(values[k])]} : {true: number(values[k])});
  return {name: "True", values, classes: units.classes, title: "true value", unit: units.unit, tips: told};
}

function saidLayers(units, said) {
  const truth = truthLayer(units), values = numbers(said.said), wrong = numbers(said.wrong);
  if (units.classes) {
    const tips = k => ({true: units.classes[Math.round(truth.values[k])], said: values[k] === null ? "not tested" : units.classes[Math.round(values[k])], wrong: wrong[k] === null ? "" : `${Math.round(100 * wrong[k])} %`});
    return [{name: "Prediction", values, classes: units.classes, tips}, {name: "Wrong", values: wrong, title: units.shares ? "share given to a wrong class" : "share of wrong answers", tips}, {...truth, tips}];
  }
  const error = values.map((value, k) => (value === null || truth.values[k] === null ? null : value - truth.values[k]));
  const tips = k => ({true: number(truth.values[k]), predicted: number(values[k]), residual: error[k] === null ? "" : (error[k] > 0 ? "+" : "") + number(error[k])});
  return [{name: "Residual", values: error, diverging: true, title: "predicted minus true", unit: units.unit, tips}, {name: "Prediction", values, title: "predicted", unit: units.unit, tips}, {...truth, tips}];
}

function runMap(row) {
  const said = data.said[row.at], question = questions[row.question];
  if (!said) {
    const why = data.cities[question.city]?.absent ? `the city ${question.city} is not on the machine that made this page` : "its predictions are not beside the results, or the page has no room for them (the best rows of each question come first)";
    return h("p", {class: "soft"}, `No map of this run: ${why}. `, h("code", null, `urbanbench residuals RESULTS/${row.files[0]}`), " draws one.");
  }
  return map(question.city, said.map, saidLayers(data.maps[said.map], said), `${row.label}: what it said of each ${data.maps[said.map].level}, mean over the seeds that tested it${row.files.length > 1 ? " (its first training)" : ""}.`);
}
