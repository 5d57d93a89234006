/* The search page. Nothing of the index is loaded before somebody types; then only the parts that the words need (Pagefind). */
"use strict";

const INDEX = new URL("../../pagefind/pagefind.js", document.currentScript.src).href;
const SHOWN = 10; // results at first, and with each press of the button
const PAUSE = 200; // milliseconds without a key before we look

const form = document.querySelector(".search");
const field = form.elements.q;
const status = document.querySelector("#found");
const list = document.querySelector("#results");
const more = document.querySelector("#more");
const missing = document.querySelector("#missing");
const lang = document.documentElement.lang;
const day = new Intl.DateTimeFormat(lang === "en" ? "en-GB" : lang, {  // the day first, as on every page
  day: "numeric", month: "short", year: "numeric", timeZone: form.dataset.zone,
});
let index; // a promise of Pagefind, once it is wanted
let results = [];
let asked = 0; // an answer to an older question is thrown away
let timer;

async function search() {
  clearTimeout(timer);
  const words = field.value.trim();
  const turn = ++asked;
  history.replaceState(null, "", words ? `?q=${encodeURIComponent(words)}` : location.pathname);
  document.title = (words ? `${words} – ` : "") + form.dataset.title;
  if (!words) return show([], "");
  status.textContent = "Searching…";
  try {
    index ??= import(INDEX);
    const found = await (await index).search(words);
    if (turn === asked) await show(found.results, counted(found.results.length, words));
  } catch {
    index = undefined; // the next try may go better
    if (turn === asked) show([], "", true);
  }
}

function counted(number, words) {
  if (!number) return `Nothing on “${words}”. Try fewer words, or another form of them.`;
  return `${number} article${number === 1 ? "" : "s"} on “${words}”.`;
}

async function show(found, words, failed = false) {
  results = found;
  missing.hidden = !failed;
  const first = await rows(0);
  if (found !== results) return;
  list.replaceChildren(...first);
  status.textContent = words;
  more.hidden = results.length <= SHOWN;
}

async function rows(from) {
  const parts = await Promise.all(results.slice(from, from + SHOWN).map((each) => each.data()));
  return parts.map(row);
}

function row({ url, meta, excerpt, filters }) {
  const item = document.createElement("li");
  const date = make("time", "label", meta.date ? day.format(new Date(meta.date)) : "");
  const title = make("a", "title", meta.title);
  const topics = (filters.topic ?? []).join(", ");
  const text = make("p", "excerpt");
  date.dateTime = meta.date ?? "";
  title.dir = text.dir = "auto"; // it may be an article from right to left
  title.href = url;
  text.append("… ");
  for (const node of new DOMParser().parseFromString(excerpt, "text/html").body.childNodes) {
    text.append(node.nodeName === "MARK" ? make("mark", "", node.textContent) : node.textContent);
  }
  text.append(" …");
  item.append(date, title, text);
  if (meta.mark || topics) item.append(about(meta.mark, topics));
  return item;
}

function about(mark, topics) {
  const line = make("p", "meta");
  if (mark) line.append(make("strong", "", mark));
  if (mark && topics) line.append(make("span", "dot"));
  line.append(topics);
  return line;
}

function make(name, className, words = "") {
  const element = document.createElement(name);
  if (className) element.className = className;
  element.textContent = words;
  return element;
}

/* Down leads from the field into the results and through them, up leads back, Escape to the field. */
function walk(event) {
  const stops = [field, ...list.querySelectorAll("a")];
  const here = stops.indexOf(document.activeElement);
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (event.key === "Escape" && here > 0) field.focus();
  else if (step && here >= 0 && stops[here + step]) stops[here + step].focus();
  else return;
  event.preventDefault();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  search();
});
field.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(search, PAUSE);
});
more.addEventListener("click", async () => {
  const from = list.children.length;
  list.append(...(await rows(from)));
  more.hidden = list.children.length >= results.length;
  list.children[from]?.querySelector("a").focus();
});
document.addEventListener("keydown", walk);

field.value = new URLSearchParams(location.search).get("q") ?? "";
if (field.value) search();
