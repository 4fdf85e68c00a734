/* Toasts: what was done, with undo. Server: HX-Trigger {"zk:toast": {text, undo_url?, link_url?, link_text?, tone?: "bad"}}. */
import { $, $$, emit, fireTriggers, fragment, icon, on, request, word } from "./dom.js";

const SECONDS = 6;
const clocks = new WeakMap();

function close(box) {
  clearTimeout(clocks.get(box));
  box.remove();
}

function arm(box) {
  const seconds = Number(box.dataset.seconds || SECONDS);
  const start = () => clocks.set(box, setTimeout(() => close(box), seconds * 1000));
  const stop = () => clearTimeout(clocks.get(box));
  box.addEventListener("mouseenter", stop);
  box.addEventListener("focusin", stop);
  box.addEventListener("mouseleave", start);
  box.addEventListener("focusout", start);
  start();
}

// in the top layer, above a dialog that is open
function raise(holder) {
  if (!holder.showPopover || !holder.popover) return;
  if (holder.matches(":popover-open")) holder.hidePopover();
  holder.showPopover();
}

function put(box) {
  const holder = $("#toasts");
  if (!holder) return;
  holder.append(box);
  raise(holder);
  $$(".zk-toast", holder).slice(0, -3).forEach(close);
  arm(box);
}

function button(text, act, data = "") {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.dataset.do = `${act}:${data}`;
  return made;
}

/** Show a toast; `tone` "bad" tells that nothing was saved. */
export function toast({ text, undo_url: undo, link_url: link, link_text: label, tone }) {
  if (!text) return;
  const box = document.createElement("div");
  box.className = tone === "bad" ? "zk-toast bad" : "zk-toast";
  box.setAttribute("role", tone === "bad" ? "alert" : "status");
  if (tone === "bad") box.append(icon("alert-circle"));
  const said = document.createElement("span");
  said.textContent = text;
  box.append(said);
  if (link) {
    const to = document.createElement("a");
    to.href = link;
    to.textContent = label || word("open");
    box.append(to);
  }
  if (undo) box.append(button(word("undo"), "undo", undo));
  put(box);
}

async function undo(pressed, url) {
  close(pressed.closest(".zk-toast"));
  const answer = await request(url, { method: "POST" }).catch(() => null);
  const header = answer?.headers.get("HX-Trigger");
  if (header) fireTriggers(header);
  if (!answer?.ok) {
    if (!header) toast({ text: word(answer ? "undo_failed" : "offline"), tone: "bad" });
    return;
  }
  if (!header) toast({ text: word("undone") });
  emit("zk:changed", { url });
}

/** Undo what the newest toast offers; answers false when there is nothing to undo. */
export function undoLast() {
  const newest = $$('#toasts [data-do^="undo:"]').pop();
  newest?.click();
  return Boolean(newest);
}

function refused(event) {
  const xhr = event.detail.xhr;
  if (xhr.getResponseHeader("HX-Redirect") || /zk:toast/.test(xhr.getResponseHeader("HX-Trigger") || "")) return;
  const box = fragment(xhr.responseText.trim().startsWith('<div class="zk-toast') ? xhr.responseText : "").firstElementChild;
  if (box) put(box);
  else toast({ text: word({ 403: "forbidden", 404: "gone", 409: "changed" }[xhr.status] || "failed"), tone: "bad" });
}

on("undo", undo);
on("close-toast", (pressed) => close(pressed.closest(".zk-toast")));
document.addEventListener("zk:toast", (event) => toast(event.detail));
document.addEventListener("htmx:responseError", refused);
document.addEventListener("htmx:sendError", () => toast({ text: word("offline"), tone: "bad" }));
document.addEventListener("htmx:timeout", () => toast({ text: word("offline"), tone: "bad" }));
function start() {
  if ($("#toasts")) raise($("#toasts"));
  $$("#toasts > .zk-toast").filter((box) => !clocks.has(box)).forEach(arm);
}
start();
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target === document.body) start();
});
