/* The editor of layouts: <form data-layout> with [data-panel] blocks and [data-field] pieces, dragged or moved by arrows on their grips.
   Pieces stay within their pool (data-fields="page" or "form"). What stands there is sent as JSON in the hidden field `layout`. */
import { $, $$, emit } from "./dom.js";

const form = $("[data-layout]");
const names = (list) => $$(":scope > [data-field]", list).map((piece) => piece.dataset.field);
const lists = (pool) => $$(`[data-fields="${pool}"]`, form);
let held = null;
let made = 0;

function panel(block) {
  const ticked = (name) => $(`[data-${name}]`, block).checked;
  return {
    key: block.dataset.panel, fields: names($("[data-fields]", block)), title: $("[data-title]", block).value, title_en: $("[data-title-en]", block).value,
    two: ticked("two"), folded: ticked("folded"), hidden: ticked("hidden"),
  };
}

function told() {
  const panels = $$("[data-panel]", form).map(panel);
  panels.push({ key: "-", fields: names($("[data-unused]", form)), hidden: true });
  const asked = Object.fromEntries($$("[data-form]", form).map((list) => [list.dataset.form, names(list)]));
  $("[name=layout]", form).value = JSON.stringify({ panels, ...asked });
  emit("zk:laid");
}

function moveField(piece, by) {
  const own = piece.parentElement;
  const next = by < 0 ? piece.previousElementSibling : piece.nextElementSibling;
  if (next) {
    next[by < 0 ? "before" : "after"](piece);
    return;
  }
  const all = lists(own.dataset.fields);
  const to = all[all.indexOf(own) + by];
  if (to) to[by < 0 ? "append" : "prepend"](piece);
}

function movePanel(block, by) {
  const next = by < 0 ? block.previousElementSibling : block.nextElementSibling;
  next?.[by < 0 ? "before" : "after"](block);
}

function wire() {
  $$("[data-panel]", form).forEach((block) => { $("[data-grip-panel]", block).draggable = true; });
}

form.addEventListener("dragstart", (event) => {
  const grip = event.target.closest("[data-grip-panel]");
  held = grip ? grip.closest("[data-panel]") : event.target.closest("[data-field]");
  held?.classList.add("drag");
});
form.addEventListener("dragover", (event) => {
  if (!held) return;
  if (held.dataset.panel !== undefined) {
    const over = event.target.closest("[data-panel]");
    if (!over) return;
    event.preventDefault();
    const box = over.getBoundingClientRect();
    if (over !== held) over[event.clientY < box.top + box.height / 2 ? "before" : "after"](held);
    return;
  }
  const list = event.target.closest("[data-fields]");
  if (!list || list.dataset.fields !== held.parentElement.dataset.fields) return;
  event.preventDefault();
  const over = event.target.closest("[data-field]");
  if (!over) list.append(held);
  else if (over !== held) {
    const box = over.getBoundingClientRect();
    over[event.clientX < box.left + box.width / 2 ? "before" : "after"](held);
  }
});
form.addEventListener("dragend", () => {
  held?.classList.remove("drag");
  held = null;
  told();
});
form.addEventListener("keydown", (event) => {
  const by = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1 }[event.key];
  const grip = event.target.closest("[data-grip], [data-grip-panel]");
  if (!by || !grip) return;
  event.preventDefault();
  if (grip.dataset.grip !== undefined) moveField(grip.closest("[data-field]"), by);
  else movePanel(grip.closest("[data-panel]"), by);
  grip.focus();
  told();
});
form.addEventListener("input", told);
form.addEventListener("change", told);
form.addEventListener("click", (event) => {
  if (event.target.closest("[data-add-panel]")) {
    const list = $("[data-panels]", form);
    list.append($("#panel-template").content.cloneNode(true));
    made += 1;
    list.lastElementChild.dataset.panel = `+${Date.now()}${made}`;
    wire();
    $("[data-title]", list.lastElementChild).focus();
    told();
  }
  const drop = event.target.closest("[data-drop-panel]");
  if (drop) {
    const block = drop.closest("[data-panel]");
    $("[data-unused]", form).append(...$$("[data-field]", block));
    block.remove();
    told();
  }
});
wire();
told();
