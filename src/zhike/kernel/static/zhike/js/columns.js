/* Column widths: <table data-widths="customers"> with th[data-col]; drag the edge, double-click gives the width back. */
import { $, $$ } from "./dom.js";

const NARROWEST = 56;
const key = (table) => `zk_widths:${table.dataset.widths}`;
const heads = (table) => $$("thead th", table);

function saved(table) {
  try {
    return JSON.parse(localStorage.getItem(key(table)) || "{}");
  } catch {
    return {};
  }
}

function apply(table) {
  const widths = saved(table);
  const any = Object.keys(widths).length > 0;
  heads(table).forEach((head) => { head.style.width = ""; });
  table.classList.remove("fixed");
  if (!any) return;
  const natural = heads(table).map((head) => head.offsetWidth);
  table.classList.add("fixed");
  heads(table).forEach((head, at) => { head.style.width = `${widths[head.dataset.col] || natural[at]}px`; });
}

function grips(table) {
  heads(table).filter((head) => head.dataset.col && !$(".zk-grip", head)).forEach((head) => {
    const grip = document.createElement("span");
    grip.className = "zk-grip";
    grip.setAttribute("aria-hidden", "true");
    head.append(grip);
  });
}

function start(root = document) {
  $$("table[data-widths]", root).forEach((table) => {
    grips(table);
    apply(table);
  });
}

document.addEventListener("pointerdown", (event) => {
  const grip = event.target.closest?.(".zk-grip");
  if (!grip) return;
  event.preventDefault();
  const head = grip.closest("th");
  const table = head.closest("table");
  const from = event.clientX - head.offsetWidth;
  const move = (moved) => {
    const width = Math.max(NARROWEST, Math.round(moved.clientX - from));
    localStorage.setItem(key(table), JSON.stringify({ ...saved(table), [head.dataset.col]: width }));
    if (table.classList.contains("fixed")) head.style.width = `${width}px`;
    else apply(table);
  };
  grip.setPointerCapture(event.pointerId);
  grip.addEventListener("pointermove", move);
  grip.addEventListener("pointerup", () => grip.removeEventListener("pointermove", move), { once: true });
});
document.addEventListener("dblclick", (event) => {
  const head = event.target.closest?.(".zk-grip")?.closest("th");
  if (!head) return;
  const table = head.closest("table");
  const { [head.dataset.col]: gone, ...rest } = saved(table);
  localStorage.setItem(key(table), JSON.stringify(rest));
  apply(table);
});
document.addEventListener("click", (event) => {
  if (event.target.closest?.(".zk-grip")) event.stopPropagation();
}, true);
document.addEventListener("htmx:afterSettle", (event) => {
  if ($("table[data-widths]", event.target)) start(event.target);
});
start();
