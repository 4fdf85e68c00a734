/* The palette (Ctrl-K, /): records from GET data-url?q=, commands and places from the page, what was opened lately from this browser.
   The server answers groups: <div role="group" aria-label="客户"><h3>…</h3><div class="zk-menu"><a role="option" href data-peek data-open>…</a></div></div> */
import { $, $$, emit, fragment, icon, meta, on, request, word } from "./dom.js";
import { peek } from "./list.js";

const WAIT_MS = 80;
const KEEP = 8;
// looked up each time: a swap may bring a new page
const dialog = () => $("#palette");
const input = () => $("#palette input");
const hits = () => $("#palette .zk-hits");
const store = () => `zk_recent:${meta("zk-user")}`;
let asked = null;
let clock = 0;

function recent() {
  try {
    return JSON.parse(localStorage.getItem(store()) || "[]");
  } catch {
    return [];
  }
}

/** Keep a page among the recent ones; `label` is what the reader knows it by. */
export function remember({ label, url, icon: picture }) {
  const rest = recent().filter((one) => one.url !== url);
  localStorage.setItem(store(), JSON.stringify([{ label, url, icon: picture }, ...rest].slice(0, KEEP)));
}

function option({ label, url, picture }) {
  const link = document.createElement("a");
  link.href = url;
  link.setAttribute("role", "option");
  const text = document.createElement("span");
  text.className = "clip";
  text.textContent = label;
  link.append(picture || icon("history"), text);
  return link;
}

function group(title, options) {
  const box = document.createElement("div");
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", title);
  const head = document.createElement("h3");
  head.textContent = title;
  head.setAttribute("aria-hidden", "true");
  const menu = document.createElement("div");
  menu.className = "zk-menu";
  menu.append(...options);
  box.append(head, menu);
  return box;
}

// commands and places are in <template id="zk-commands"> as groups of options; data-keys holds pinyin and other names
function commands(query) {
  const wanted = query.toLowerCase();
  const found = $("#zk-commands").content.cloneNode(true);
  $$("[role=option]", found).forEach((one) => {
    const text = `${one.textContent} ${one.dataset.keys || ""}`.toLowerCase();
    if (wanted && !text.includes(wanted)) one.remove();
  });
  $$("[role=group]", found).forEach((one) => {
    if (!$("[role=option]", one)) one.remove();
  });
  return [...found.children];
}

function choose(option) {
  $$("[role=option]", hits()).forEach((one, at) => {
    one.id = `hit-${at}`;
    one.classList.toggle("on", one === option);
    one.setAttribute("aria-selected", one === option);
  });
  if (option) input().setAttribute("aria-activedescendant", option.id);
  else input().removeAttribute("aria-activedescendant");
  option?.scrollIntoView({ block: "nearest" });
}

function show(...parts) {
  hits().replaceChildren(...parts);
  const first = $("[role=option]", hits());
  if (!first && input().value.trim()) {
    const none = document.createElement("p");
    none.className = "none";
    none.textContent = word("nothing");
    hits().append(none);
  }
  choose(first);
}

async function search(query) {
  asked?.abort();
  asked = new AbortController();
  const url = `${dialog().dataset.url}?q=${encodeURIComponent(query)}`;
  const answer = await request(url, { signal: asked.signal }).catch((error) => (error.name === "AbortError" ? "late" : null));
  if (answer === "late" || input().value.trim() !== query) return;
  const found = answer?.ok ? [...fragment(await answer.text()).children] : [];
  if (input().value.trim() === query) show(...found, ...commands(query));
  if (!answer?.ok) emit("zk:toast", { text: word(answer ? "failed" : "offline"), tone: "bad" });
}

function start() {
  const lately = recent().map((one) => option({ label: one.label, url: one.url, picture: icon(one.icon) }));
  show(...(lately.length ? [group(word("recent"), lately)] : []), ...commands(""));
}

function typed() {
  clearTimeout(clock);
  const query = input().value.trim();
  if (!query) {
    asked?.abort();
    start();
  } else if (/^[>》〉]/.test(query)) {
    asked?.abort();
    show(...commands(query.slice(1).trim()));
  } else {
    clock = setTimeout(search, WAIT_MS, query);
  }
}

/** Open the palette with an empty field, or with `text` in it. */
export function openPalette(text = "") {
  if (!dialog() || dialog().open) return;
  input().value = text;
  dialog().showModal();
  input().focus();
  typed();
}

function move(by) {
  const all = $$("[role=option]", hits());
  const now = all.findIndex((one) => one.classList.contains("on"));
  choose(all[(now + by + all.length) % all.length]);
}

function take(event) {
  const one = $("[role=option].on", hits());
  if (!one) return;
  if ((event.ctrlKey || event.metaKey) && one.dataset.peek) {
    dialog().close();
    peek(one.dataset.peek);
    $("#peek").dataset.open = one.href || "";
  } else {
    one.click();
  }
}

document.addEventListener("input", (event) => {
  if (event.target === input() && !event.isComposing) typed();
});
document.addEventListener("compositionend", (event) => {
  if (event.target === input()) typed();
});
document.addEventListener("keydown", (event) => {
  if (event.target !== input() || event.isComposing || event.keyCode === 229) return;
  const act = { ArrowDown: () => move(1), ArrowUp: () => move(-1), Enter: () => take(event) }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
document.addEventListener("mousemove", (event) => {
  const one = event.target.closest?.("#palette [role=option]");
  if (one && !one.classList.contains("on")) choose(one);
});
document.addEventListener("click", (event) => {
  if (event.target === dialog()) dialog().close();
  const one = event.target.closest("#palette [role=option]");
  if (!one) return;
  dialog().close();
  if (one.matches("a[href]") && !event.defaultPrevented && one.dataset.peek) {
    remember({ label: $(".clip", one)?.textContent || one.textContent.trim(), url: one.getAttribute("href"), icon: one.dataset.icon || "history" });
  }
});
on("palette", (button, text) => openPalette(text));

// a record's page puts itself among the recent ones: <h1 data-recent="building">
function visit() {
  const page = $("[data-recent]");
  if (page) remember({ label: page.textContent.trim(), url: location.pathname, icon: page.dataset.recent });
}
visit();
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target === document.body) visit();
});
document.addEventListener("submit", (event) => {
  if (event.target.matches("[data-logout]")) localStorage.removeItem(store());
});
