/* Lists that are put in order by hand: <ul data-order> with li[draggable]; .grip answers Alt-arrows too. Sends `change` on the form. */
import { $$ } from "./dom.js";

let held = null;

function told(list) {
  list.dispatchEvent(new Event("change", { bubbles: true }));
}

document.addEventListener("dragstart", (event) => {
  held = event.target.closest?.("[data-order] > li") || null;
  held?.classList.add("drag");
});
document.addEventListener("dragover", (event) => {
  const over = event.target.closest?.("[data-order] > li");
  if (!held || !over || over.parentElement !== held.parentElement) return;
  event.preventDefault();
  const box = over.getBoundingClientRect();
  if (over !== held) over[event.clientY < box.top + box.height / 2 ? "before" : "after"](held);
});
document.addEventListener("dragend", () => {
  if (!held) return;
  held.classList.remove("drag");
  told(held.parentElement);
  held = null;
});
document.addEventListener("keydown", (event) => {
  const grip = event.target.closest?.("[data-order] .grip");
  if (!grip || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
  event.preventDefault();
  const item = grip.closest("li");
  const all = $$(":scope > li", item.parentElement);
  const next = all[all.indexOf(item) + (event.key === "ArrowUp" ? -1 : 1)];
  if (!next) return;
  next[event.key === "ArrowUp" ? "before" : "after"](item);
  grip.focus();
  told(item.parentElement);
});
