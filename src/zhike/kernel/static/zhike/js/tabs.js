/* Views as tabs: <nav data-tabs="url"> with a[data-key]; dragged, or moved by Alt-arrows, their order is kept on the server. */
import { $, $$, request } from "./dom.js";

let held = null;
let kept = Promise.resolve(); // one order after the other: two at once could arrive in the wrong turn
const tabs = (nav) => $$("a[data-key]", nav);

function keep(nav) {
  const body = new FormData();
  tabs(nav).forEach((tab) => body.append("key", tab.dataset.key));
  kept = kept.then(() => request(nav.dataset.tabs, { method: "POST", body })).catch(() => null);
}

/** Open the view before (-1) or after (1) the present one; false where there is none. */
export function stepTab(by) {
  const all = $$("[data-tabs] a[data-key]");
  const now = all.findIndex((tab) => tab.getAttribute("aria-current"));
  const next = all[now + by];
  if (next) location.assign(next.href);
  return Boolean(next);
}

document.addEventListener("dragstart", (event) => {
  held = event.target.closest?.("[data-tabs] a[data-key]") || null;
  held?.classList.add("drag");
});
document.addEventListener("dragover", (event) => {
  const over = event.target.closest?.("[data-tabs] a[data-key]");
  if (!held || !over) return;
  event.preventDefault();
  const box = over.getBoundingClientRect();
  if (over !== held) over[event.clientX < box.left + box.width / 2 ? "before" : "after"](held);
});
document.addEventListener("dragend", () => {
  if (!held) return;
  held.classList.remove("drag");
  keep(held.closest("[data-tabs]"));
  held = null;
});
document.addEventListener("keydown", (event) => {
  const tab = event.target.closest?.("[data-tabs] a[data-key]");
  if (!tab || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
  event.preventDefault();
  const all = tabs(tab.parentElement);
  const next = all[all.indexOf(tab) + (event.key === "ArrowLeft" ? -1 : 1)];
  if (!next) return;
  if (!event.altKey) {
    next.focus();
    return;
  }
  next[event.key === "ArrowLeft" ? "before" : "after"](tab);
  tab.focus();
  keep(tab.closest("[data-tabs]"));
});

// the open view is in sight, however many tabs there are
function show() {
  $("[data-tabs] a[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
}
show();
document.addEventListener("htmx:afterSettle", (event) => {
  if ($("[data-tabs]", event.target)) show();
});
