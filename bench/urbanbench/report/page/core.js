// Data, small words for building a page, and the way from an address to a page. Every text goes into text nodes: nothing is read as markup.
const data = JSON.parse(document.getElementById("data").textContent);
const rows = data.rows, questions = data.questions;
const main = document.getElementById("main");

function h(tag, props, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) el.addEventListener(name.slice(2), value);
    else if (name === "class") el.className = value;
    else if (name === "style") for (const [key, one] of Object.entries(value)) el.style.setProperty(key, one);
    else el.setAttribute(name, value === true ? "" : value);
  }
  el.append(...children.flat(3).filter(one => one !== null && one !== undefined && one !== false && one !== ""));
  return el;
}

const address = (...parts) => "#/" + parts.map(part => String(part).split("/").map(encodeURIComponent).join("/")).join("/");
const link = (text, ...parts) => h("a", {href: address(...parts)}, text);
const runLink = (row, text) => link(text ?? row.label, "run", row.id);
const modelLink = name => link(modelTitle(name), "model", name);
const questionLink = (question, text) => link(text ?? placeWords(question), "result", question.id);
const modelTitle = name => data.models[name]?.title && !data.models[name].floor ? data.models[name].title : name;
const taskTitle = name => data.tasks[name]?.title || name;
const cityTitle = name => data.cities[name]?.title || name;
const placeWords = question => [cityTitle(question.city), taskTitle(question.task), ...question.title.split(" · ").slice(2)].join(" · ");
// Of some questions the parts in which they differ, in words; the place where they differ in none.
const PARTS = {city: one => cityTitle(one.city), task: one => taskTitle(one.task), split: one => (one.from ? `${one.split} from ${one.from}` : one.split)};
function apart(list, names) {
  const parts = names.map(name => PARTS[name]).filter(read => unique(list.map(read)).length > 1);
  return one => parts.map(read => read(one)).join(" · ") || placeWords(one);
}
const metricTitle = name => data.metrics[name]?.title || name;
const arrow = name => ({1: "↑", "-1": "↓"})[data.metrics[name]?.sign] || "";
const sign = name => data.metrics[name]?.sign ?? 1;
const plural = (count, one, more) => `${count.toLocaleString("en")} ${count === 1 ? one : more || one + "s"}`;
const unique = list => [...new Set(list)];
const web = text => /^https?:\/\/[^\s]+$/.test(text);

function number(value, digits = 3) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "";
  if (value !== 0 && (Math.abs(value) >= 1e7 || Math.abs(value) < 1e-4)) return value.toExponential(1);
  return Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(digits)));
}

const signed = value => (value > 0 ? "+" : value < 0 ? "−" : "") + Math.abs(value).toFixed(3);

function seconds(value) {
  if (value === null || value === undefined) return "";
  if (value < 120) return `${number(value)} s`;
  return value < 7200 ? `${number(value / 60)} min` : `${number(value / 3600)} h`;
}

// A section of a page: a heading that can be linked to, and what stands under it.
const section = (title, ...children) => h("section", null, h("h2", null, title), ...children);
const facts = pairs => h("dl", {class: "facts"}, pairs.filter(([, told]) => told !== "" && told !== null && told !== undefined && !(Array.isArray(told) && !told.length))
  .map(([name, told]) => h("div", null, h("dt", null, name), h("dd", null, told))));
const listed = texts => h("ul", null, texts.map(text => h("li", null, text)));
const joined = (parts, between = ", ") => parts.flatMap((part, k) => (k ? [between, part] : [part]));

function say(text) {
  document.getElementById("spoken").textContent = text;
}

// Addresses: #/page/name/…?filter=value. Pages register themselves under their first word.
const pages = {};

function place() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const parts = path.split("/").filter(Boolean).map(part => { try { return decodeURIComponent(part); } catch { return part; } });
  return {page: parts[0] || "", name: parts.slice(1).join("/"), query: new URLSearchParams(query || "")};
}

function setQuery(query) {
  const path = location.hash.split("?")[0] || "#/";
  const text = query.toString();
  history.replaceState(null, "", text ? `${path}?${text}` : path);
}

function missing(kind, name) {
  return [h("h1", null, `No ${kind} of this name`), h("p", null, `This page knows no ${kind} “${name}”. `, h("a", {href: "#/"}, "Go to the overview"), ".")];
}
