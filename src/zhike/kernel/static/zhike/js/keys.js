/* Keys: j k Enter Space/o e c x ? g-then-letter, [ ] for views, those of buttons with data-key-button, Ctrl-K and /, Ctrl-Z, Esc. Silent in fields and while an input method composes. */
import { $, typing } from "./dom.js";
import { start } from "./edit.js";
import { closePeek, current, mark, open, peek, step, toggle } from "./list.js";
import { openPalette } from "./palette.js";
import { stepTab } from "./tabs.js";
import { undoLast } from "./toasts.js";

const GO_MS = 1200;
let going = 0;

function go(letter) {
  const link = $(`a[data-go="${CSS.escape(letter)}"]`);
  if (link) location.assign(link.href);
  return Boolean(link);
}

function create() {
  const own = $("[data-create]");
  if (own) {
    own.click();
    return true;
  }
  const menu = $("#create-menu");
  const only = menu?.querySelectorAll(".zk-menu a");
  if (only?.length === 1) only[0].click();
  else menu?.showPopover();
  return Boolean(menu);
}

function edit() {
  const value = $("#peek:not([hidden]) button.zk-edit[data-edit-url]:not(:disabled)") || $("main button.zk-edit[data-edit-url]:not(:disabled)");
  const link = $("[data-edit]");
  if (value) start(value);
  else link?.click();
  return Boolean(value || link);
}

function look() {
  const row = current();
  if (row?.dataset.peek) peek(row.dataset.peek, row);
  return Boolean(row?.dataset.peek);
}

/** A button of the page that has a key of its own: data-key-button="f". */
function press(key) {
  const button = $(`[data-key-button="${CSS.escape(key)}"]`);
  button?.focus();
  button?.click();
  return Boolean(button);
}

const KEYS = {
  "[": () => stepTab(-1),
  "]": () => stepTab(1),
  j: () => (step(1), true),
  k: () => (step(-1), true),
  o: look,
  " ": look,
  Enter: () => (current() ? (open(current()), true) : false),
  x: () => (toggle(current()), Boolean(current())),
  e: edit,
  c: create,
  "/": () => (openPalette(), true),
  "?": () => ($("#keys-help")?.showModal(), true),
  g: () => { going = Date.now(); return true; },
};

function withControl(event) {
  const key = event.key.toLowerCase();
  if (key === "k" && !event.shiftKey) {
    event.preventDefault();
    openPalette();
  } else if (key === "z" && !event.shiftKey && !typing(event) && undoLast()) {
    event.preventDefault();
  }
}

function escape(event) {
  if ($("dialog[open], [popover]:not(#toasts):popover-open") || typing(event)) return;
  if (!closePeek()) mark(null);
}

function pressesItself(event) {
  const self = event.target.closest?.("a, button, summary, input, [role=option]");
  return Boolean(self) && (event.key === "Enter" || event.key === " ") && !(self.matches("[data-row] a") && event.key === " ");
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing) return;
  if (event.ctrlKey || event.metaKey) {
    withControl(event);
    return;
  }
  if (event.key === "Escape") {
    escape(event);
    return;
  }
  if (event.altKey || typing(event) || $("dialog[open], [popover]:not(#toasts):popover-open")) return;
  if (pressesItself(event)) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (Date.now() - going < GO_MS) {
    going = 0;
    if (go(key)) event.preventDefault();
    return;
  }
  if (KEYS[key] ? KEYS[key]() : press(key)) event.preventDefault();
});
