/* Menus and small panels on the native popover: placed under their button, arrows move, Esc closes. */
import { $, $$ } from "./dom.js";

const GAP = 4;

function invoker(pop) {
  return $$(`[popovertarget="${pop.id}"]`).find((one) => one.getClientRects().length) || null;
}

function place(pop) {
  const button = pop.zkButton?.isConnected ? pop.zkButton : invoker(pop);
  if (!button) return;
  const at = button.getBoundingClientRect();
  const size = pop.getBoundingClientRect();
  const below = at.bottom + GAP + size.height <= innerHeight || at.top < size.height + GAP;
  const left = at.left + size.width + 8 > innerWidth ? at.right - size.width : at.left;
  pop.style.top = `${Math.max(8, below ? Math.min(at.bottom + GAP, innerHeight - size.height - 8) : at.top - size.height - GAP)}px`;
  pop.style.left = `${Math.max(8, Math.min(left, innerWidth - size.width - 8))}px`;
}

const items = (pop) => $$(".zk-menu a, .zk-menu button:not(:disabled)", pop);

// several buttons may open one menu: remember which one did
document.addEventListener("click", (event) => {
  const button = event.target.closest("[popovertarget]");
  const pop = button && document.getElementById(button.getAttribute("popovertarget"));
  if (pop) pop.zkButton = button;
}, true);

document.addEventListener("toggle", (event) => {
  const pop = event.target;
  if (!pop.matches?.("[popover]")) return;
  const open = event.newState === "open";
  $$(`[popovertarget="${pop.id}"]`).forEach((one) => one.setAttribute("aria-expanded", open));
  if (!open) {
    pop.removeAttribute("style"); // htmx would copy it onto a new node of the same id, which the content policy forbids
    return;
  }
  place(pop);
  const first = $("[autofocus]", pop) || (pop.dataset.menu === undefined ? null : items(pop)[0]);
  first?.focus({ preventScroll: true });
}, true);

document.addEventListener("keydown", (event) => {
  const pop = event.target.closest?.("[popover][data-menu]");
  if (!pop || !["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) return;
  event.preventDefault();
  const all = items(pop);
  const now = all.indexOf(document.activeElement);
  const next = { ArrowDown: now + 1, ArrowUp: now - 1, Home: 0, End: all.length - 1 }[event.key];
  all[(next + all.length) % all.length]?.focus();
});

// a choice closes the menu, unless it is a panel with fields
document.addEventListener("click", (event) => {
  const pop = event.target.closest("[popover][data-menu]");
  if (pop && event.target.closest("a, button")) pop.hidePopover();
});

document.addEventListener("htmx:afterSettle", (event) => {
  const pop = event.target.closest?.("[popover]:not(#toasts):popover-open");
  if (pop) place(pop);
});
addEventListener("resize", () => $$("[popover]:not(#toasts):popover-open").forEach(place));
