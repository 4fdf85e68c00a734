/* What every module here shares: finding elements, words of the page's language, requests that carry the CSRF token. */

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
export const meta = (name) => $(`meta[name="${name}"]`)?.content ?? "";
export const emit = (name, detail = {}, target = document.body) =>
  target.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));

/** Text for a script, written by the server into <template id="zk-words"> as <span data-word="key">. */
export function word(key) {
  const found = $("#zk-words")?.content.querySelector(`[data-word="${key}"]`);
  return found ? found.textContent : key;
}

/** A copy of an icon that the frame keeps in <template id="zk-words"> as <span data-icon="name">. */
export function icon(name) {
  const found = $("#zk-words")?.content.querySelector(`[data-icon="${name}"] svg`);
  return found ? found.cloneNode(true) : document.createDocumentFragment();
}

/** fetch that looks like an htmx request to the server, so it answers fragments. */
export async function request(url, { method = "GET", body = null, signal = undefined } = {}) {
  const headers = { "HX-Request": "true", "HX-Current-URL": location.href, Accept: "text/html" };
  if (method !== "GET") headers["X-CSRFToken"] = meta("csrf-token");
  const answer = await fetch(url, { method, body, headers, signal, credentials: "same-origin" });
  const to = answer.headers.get("HX-Redirect"); // the session ended, or the record moved
  if (to) location.assign(to);
  return answer;
}

/** Fire the events of an HX-Trigger header, as htmx does for its own requests. */
export function fireTriggers(header) {
  if (!header) return;
  if (!header.trim().startsWith("{")) {
    header.split(",").forEach((name) => emit(name.trim()));
    return;
  }
  const told = JSON.parse(header);
  for (const [name, detail] of Object.entries(told)) {
    emit(name, typeof detail === "object" && detail !== null ? detail : { value: detail });
  }
}

/** Make elements from an HTML fragment of our own server; htmx attributes in it are wired up by the caller. */
export function fragment(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  return holder.content;
}

/** Wire up htmx in new content. */
export function wire(node) {
  if (window.htmx && node instanceof Element) window.htmx.process(node);
}

/** True where a key press belongs to a field, or to an input method that is composing. */
export function typing(event) {
  return event.isComposing || event.keyCode === 229 || event.target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]") !== null;
}

/** Call with a function per name: document-wide handlers for data-do="name:argument" buttons. */
const doers = new Map();
export function on(name, handler) {
  doers.set(name, handler);
}
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (!button) return;
  const [, name, argument] = button.dataset.do.match(/^([^:]+):?(.*)$/);
  const handler = doers.get(name);
  if (!handler) return;
  event.preventDefault();
  handler(button, argument, event);
});
