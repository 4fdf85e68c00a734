/* Columns of a list: <table data-widths="/customers/columns" data-query="?view=…"> with th[data-col][data-width].
   The edge of a head is drawn, or moved by ← → when it has the focus; a head is dragged, or moved by Alt-← →. Both are kept on the server. */
import { $, $$, emit, request, word } from "./dom.js";

const NARROWEST = 56;
const WIDEST = 800;
const STEP = 16;
const KEEP_MS = 400;
const heads = (table) => $$("thead th[data-col]", table);
let held = null;
let clock = 0;

function send(table, act, values) {
  const body = new FormData();
  values.forEach(([name, value]) => body.append(name, value));
  return request(`${table.dataset.widths}/${act}${table.dataset.query || ""}`, { method: "POST", body }).catch(() => null);
}

// natural widths are measured once, so that drawing one column leaves the others as they are
function apply(table) {
  const all = $$("thead th", table);
  all.forEach((head) => { head.style.width = ""; });
  table.classList.remove("fixed");
  if (!$("th[data-width]", table) || getComputedStyle($("thead", table)).display === "none") return;
  const natural = all.map((head) => head.offsetWidth);
  table.classList.add("fixed");
  all.forEach((head, at) => { head.style.width = `${head.dataset.width || natural[at]}px`; });
  table.style.minWidth = `${all.reduce((sum, head, at) => sum + Number(head.dataset.width || natural[at]), 0)}px`;
}

function size(head, width) {
  const table = head.closest("table");
  if (width) head.dataset.width = Math.min(WIDEST, Math.max(NARROWEST, Math.round(width)));
  else delete head.dataset.width;
  if (table.classList.contains("fixed") && width) head.style.width = `${head.dataset.width}px`;
  else apply(table);
  $(".zk-grip", head)?.setAttribute("aria-valuenow", head.dataset.width || head.offsetWidth);
  clearTimeout(clock);
  clock = setTimeout(() => send(table, "width", [["column", head.dataset.col], ["width", head.dataset.width || ""]]), KEEP_MS);
}

function grips(table) {
  heads(table).filter((head) => !$(".zk-grip", head)).forEach((head) => {
    const grip = document.createElement("span");
    grip.className = "zk-grip";
    grip.tabIndex = 0;
    grip.setAttribute("role", "separator");
    grip.setAttribute("aria-orientation", "vertical");
    grip.setAttribute("aria-label", `${word("width_of")} ${head.textContent.trim()}`);
    grip.setAttribute("aria-valuemin", NARROWEST);
    grip.setAttribute("aria-valuemax", WIDEST);
    grip.setAttribute("aria-valuenow", head.offsetWidth);
    head.append(grip);
    head.draggable = true;
  });
}

function start(root = document) {
  $$("table[data-widths]", root).forEach((table) => {
    grips(table);
    apply(table);
  });
}

async function move(table, order, focus) {
  await send(table, "move", order.map((path) => ["column", path]));
  emit("zk:changed");
  document.addEventListener("htmx:afterSettle", () => {
    const head = $(`th[data-col="${CSS.escape(focus)}"]`);
    ($("a", head) || $(".zk-grip", head))?.focus();
  }, { once: true });
}

function moved(head, by) {
  const table = head.closest("table");
  const paths = heads(table).map((one) => one.dataset.col);
  const at = paths.indexOf(head.dataset.col);
  if (at + by < 0 || at + by >= paths.length) return;
  paths.splice(at + by, 0, ...paths.splice(at, 1));
  move(table, paths, head.dataset.col);
}

document.addEventListener("pointerdown", (event) => {
  const grip = event.target.closest?.(".zk-grip");
  if (!grip) return;
  event.preventDefault();
  const head = grip.closest("th");
  const from = event.clientX - head.offsetWidth;
  const drawn = (at) => size(head, at.clientX - from);
  grip.setPointerCapture(event.pointerId);
  grip.addEventListener("pointermove", drawn);
  grip.addEventListener("pointerup", () => grip.removeEventListener("pointermove", drawn), { once: true });
});
document.addEventListener("dblclick", (event) => {
  const head = event.target.closest?.(".zk-grip")?.closest("th");
  if (head) size(head, 0);
});
document.addEventListener("click", (event) => {
  if (event.target.closest?.(".zk-grip")) event.stopPropagation();
}, true);
document.addEventListener("keydown", (event) => {
  const head = event.target.closest?.("table[data-widths] th[data-col]");
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  const grip = event.target.matches?.(".zk-grip");
  if (!head || (!by && !(grip && event.key === "Delete"))) return;
  if (!event.altKey && !grip) return;
  event.preventDefault();
  if (event.altKey) moved(head, by);
  else size(head, by ? head.offsetWidth + by * STEP : 0);
});

document.addEventListener("dragstart", (event) => {
  held = event.target.closest?.("table[data-widths] th[data-col]") || null;
});
document.addEventListener("dragover", (event) => {
  const over = event.target.closest?.("table[data-widths] th[data-col]");
  $$("th.over").forEach((one) => one.classList.remove("over"));
  if (!held || !over) return;
  event.preventDefault();
  over.classList.add("over");
});
document.addEventListener("drop", (event) => {
  const over = event.target.closest?.("table[data-widths] th[data-col]");
  if (!held || !over || over === held) return;
  event.preventDefault();
  const paths = heads(over.closest("table")).map((one) => one.dataset.col);
  const to = paths.indexOf(over.dataset.col);
  paths.splice(to, 0, ...paths.splice(paths.indexOf(held.dataset.col), 1));
  move(over.closest("table"), paths, held.dataset.col);
});
document.addEventListener("dragend", () => {
  held = null;
  $$("th.over").forEach((one) => one.classList.remove("over"));
});
document.addEventListener("htmx:afterSettle", (event) => {
  if ($("table[data-widths]", event.target)) start(event.target);
});
start();
