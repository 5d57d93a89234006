/* The page of `opensignal preview`: asks for the open article whenever a file has changed. What an article holds is set as text only;
   as HTML it stands in the frame, which may do nothing. */
"use strict";

const asked = new URLSearchParams(location.search);
const now = {
  article: asked.get("article") || "",
  kind: asked.get("kind") || "web",
  scheme: asked.get("scheme") || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"),
  images: asked.get("images") || "on",
  width: asked.get("width") || "desk",
};
const at = (id) => document.getElementById(id);
const made = (tag, text, name) => Object.assign(document.createElement(tag), { textContent: text, className: name || "" });
const tabs = [...document.querySelectorAll("[role=tab]")];

let toldVersion = null; // by the server's events
let listedVersion = null;
let shownVersion = null;

async function fetched(path, values) {
  const answer = await fetch(`${path}?${new URLSearchParams(values)}`);
  return answer.json();
}

let listings = 0;

async function listArticles() {
  const turn = ++listings;
  const { version, articles } = await fetched("/articles", {});
  if (turn !== listings) return; // a later one is on its way
  listedVersion = version;
  const options = articles.map(({ path, title, status }) => {
    const option = made("option", `${title} (${status})`);
    option.value = path;
    return option;
  });
  at("article").replaceChildren(...options);
  if (!now.article && articles.length) now.article = articles[0].path;
  at("article").value = now.article;
}

function showProblems({ problems, lines }) {
  const many = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  at("count").textContent = problems.length ? many : "No problems";
  at("problems").replaceChildren(
    ...problems.map(({ line, column, code, message, severity }) => {
      const item = made("li", "", severity);
      const place = made("a", `${line}:${column}`);
      place.href = `#line-${line}`;
      item.append(place, ` ${code} ${message}`);
      return item;
    }),
  );
  const marked = new Map();
  for (const { line, severity } of problems) if (marked.get(line) !== "error") marked.set(line, severity);
  at("lines").replaceChildren(
    ...lines.map((text, index) => {
      const line = made("li", "", marked.get(index + 1));
      line.id = `line-${index + 1}`;
      line.append(made("span", text || " "));
      return line;
    }),
  );
}

function showInbox({ subject, preheader, weight }) {
  at("inbox").hidden = !subject;
  at("subject").textContent = subject || "";
  at("preheader").textContent = preheader || "";
  at("weight").textContent = weight || "";
}

function showFrame(slug, version) {
  const query = new URLSearchParams({ article: now.article, v: version });
  at("frame").src = `/view/${now.scheme}/${now.images}/${now.kind}/articles/${slug || "unread"}/?${query}`;
}

function showChoice() {
  document.body.className = `${now.scheme} ${now.width}`;
  for (const tab of tabs) {
    tab.setAttribute("aria-selected", String(tab.dataset.kind === now.kind));
    tab.tabIndex = tab.dataset.kind === now.kind ? 0 : -1;
  }
  at("shown").setAttribute("aria-labelledby", `tab-${now.kind}`);
  at("scheme").setAttribute("aria-pressed", String(now.scheme === "dark"));
  at("phone").setAttribute("aria-pressed", String(now.width === "phone"));
  at("images").setAttribute("aria-pressed", String(now.images === "off"));
  history.replaceState(null, "", `/?${new URLSearchParams(now)}`);
}

let showings = 0;

async function show() {
  const turn = ++showings;
  showChoice();
  const state = await fetched("/state", { article: now.article, kind: now.kind });
  if (turn !== showings) return; // as above
  shownVersion = state.version;
  if (state.gone) {
    at("status").textContent = `${now.article} is gone`;
    await listArticles();
    return;
  }
  document.title = `${state.title || state.path} · preview`;
  at("status").textContent = state.path;
  showFrame(state.slug, state.version);
  showInbox(state.inbox);
  showProblems(state);
}

function choose(changes) {
  Object.assign(now, changes);
  show();
}

for (const tab of tabs) tab.onclick = () => choose({ kind: tab.dataset.kind });
document.querySelector("[role=tablist]").onkeydown = ({ key }) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
  if (!step) return;
  const next = tabs[(tabs.findIndex((tab) => tab.dataset.kind === now.kind) + step + tabs.length) % tabs.length];
  next.focus();
  choose({ kind: next.dataset.kind });
};
at("article").onchange = () => choose({ article: at("article").value });
at("scheme").onclick = () => choose({ scheme: now.scheme === "dark" ? "light" : "dark" });
at("phone").onclick = () => choose({ width: now.width === "phone" ? "desk" : "phone" });
at("images").onclick = () => choose({ images: now.images === "off" ? "on" : "off" });

/* What is asked for the first time is not asked for twice; a version that came meanwhile is seen when it is there. */
function catchUp() {
  if (toldVersion === null) return;
  if (listedVersion !== null && listedVersion !== toldVersion) listArticles();
  if (shownVersion !== null && shownVersion !== toldVersion) show();
}

const events = new EventSource("/events");
events.onmessage = ({ data }) => {
  toldVersion = Number(data);
  catchUp();
};
events.onerror = () => {
  at("status").textContent = "the preview has ended; start it again, and this page goes on";
};
listArticles().then(show).then(catchUp);
