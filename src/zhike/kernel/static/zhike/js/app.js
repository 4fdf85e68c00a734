/* Boot: each module wires itself to the document; charts come only where there is one. */
import { $, $$, emit, meta, on, typing } from "./dom.js";
import "./toasts.js";
import "./theme.js";
import "./menus.js";
import "./dialogs.js";
import "./list.js";
import "./picker.js"; // before the editor: Enter chooses from an open list, and saves without one
import "./edit.js";
import "./palette.js";
import "./keys.js";
import "./drop.js";
import "./order.js";
import "./columns.js";
import "./filters.js";
import "./tabs.js";
import "./password.js";

// htmx: token, waiting line, answers that are refusals
let waiting = 0;
const wait = (step) => {
  waiting = Math.max(0, waiting + step);
  $("#zk-wait")?.classList.toggle("on", waiting > 0);
};
document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = meta("csrf-token");
});
document.addEventListener("htmx:beforeSend", (event) => {
  if (!event.detail.elt.closest("[data-quiet]")) wait(1);
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (!event.detail.elt.closest("[data-quiet]")) wait(-1);
});

// the session ended: the fragment that came is the log-in page, so show the whole page instead
document.addEventListener("htmx:beforeSwap", (event) => {
  const login = meta("zk-login");
  const came = event.detail.xhr.responseURL;
  if (login && came && new URL(came).pathname === login && location.pathname !== login) {
    event.detail.shouldSwap = false;
    location.reload();
  }
});

// charts: the code is fetched where a page has one, at start or after a swap
function charts(root) {
  if (root.matches?.("[data-chart]") || $("[data-chart]", root)) {
    import("./charts.js").then((module) => module.drawAll());
  }
}
charts(document);
document.addEventListener("htmx:afterSettle", (event) => charts(event.target));

// small switches that need no server
on("press", (button) => $$("[aria-pressed]", button.parentElement).forEach((one) => one.setAttribute("aria-pressed", one === button)));
on("pane", (button, name) => {
  $$("[data-pane]").forEach((pane) => pane.classList.toggle("on", pane.dataset.pane === name));
  $$('[data-do^="pane:"]').forEach((one) => one.setAttribute("aria-pressed", one === button));
});
on("table", (button) => button.setAttribute("aria-pressed", button.closest(".zk-card").classList.toggle("as-table")));
on("print", () => print());
on("back", () => history.back());
on("reload", () => location.reload());
on("copy", async (button, text) => {
  await navigator.clipboard.writeText(text || button.textContent.trim());
  emit("zk:toast", { text: $("#zk-words")?.content.querySelector('[data-word="copied"]')?.textContent });
});

// log-in page: a demo person fills the form
on("fill", (button, name) => {
  $$("[data-do^='fill:']").forEach((one) => one.setAttribute("aria-pressed", one === button));
  const form = $("form[data-login]");
  form.elements.namedItem(button.dataset.field || "username").value = name;
  form.elements.namedItem("password").value = button.dataset.password;
  $("[type=submit]", form).focus();
});

// Ctrl-Enter sends the form of a text area
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || !typing(event) || event.isComposing) return;
  const form = event.target.closest("form:not(.zk-editor)");
  if (form && event.target.matches("textarea")) form.requestSubmit();
});

// selects and ticks that send their form at once (language, period, columns)
document.addEventListener("change", (event) => {
  if (event.target.closest("[data-autosubmit]") && event.target.form) event.target.form.requestSubmit();
});

// leaving an unsaved form asks first
let dirty = null;
document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-guard]");
  if (form) dirty = form;
});
document.addEventListener("submit", () => { dirty = null; });
addEventListener("beforeunload", (event) => {
  if (dirty?.isConnected) event.preventDefault();
});
