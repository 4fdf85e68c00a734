/* Lists: peek in the drawer, selection, bulk bar.
   Row: <tr data-row data-id data-peek="url" data-open="url">; drawer #peek in the frame; ticks input[data-select]. */
import { $, $$, emit, on } from "./dom.js";

const drawer = () => $("#peek");
export const rows = () => $$("[data-row]").filter((row) => row.getClientRects().length);
export const current = () => $("[data-row].at") || $("[data-row].peek");

/** Put the reading mark on a row and keep it in sight. */
export function mark(row) {
  $$("[data-row].at").forEach((one) => one.classList.remove("at"));
  if (!row) return;
  row.classList.add("at");
  row.scrollIntoView({ block: "nearest" });
  $(".name a, a", row)?.focus({ preventScroll: true });
}

function remember(id) {
  const url = new URL(location.href);
  if (id) url.searchParams.set("peek", id);
  else url.searchParams.delete("peek");
  history.replaceState(history.state, "", url);
}

let later = 0;
/** Open the drawer over the list with what `url` answers; `row` is the row it belongs to, if it is on the page. */
export function peek(url, row = null, wait = 0) {
  const box = drawer();
  if (!box || !url) return;
  $$("[data-row].peek").forEach((one) => one.classList.remove("peek"));
  row?.classList.add("peek");
  if (row) remember(row.dataset.id);
  box.dataset.open = row?.dataset.open || "";
  box.dataset.url = url;
  box.hidden = false;
  clearTimeout(later);
  later = setTimeout(() => window.htmx.ajax("GET", url, { target: box, swap: "innerHTML", source: box }), wait);
}

/** Close the drawer; the list keeps its place and the row its mark. */
export function closePeek() {
  const box = drawer();
  if (!box || box.hidden) return false;
  clearTimeout(later);
  box.hidden = true;
  box.replaceChildren();
  const row = $("[data-row].peek");
  row?.classList.remove("peek");
  remember("");
  if (row) mark(row);
  return true;
}

/** Move by rows; an open drawer goes along. */
export function step(by) {
  const all = rows();
  const now = all.indexOf(current());
  const row = all[now < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(now + by, 0), all.length - 1)];
  if (!row) return;
  mark(row);
  if (!drawer()?.hidden && row.dataset.peek) peek(row.dataset.peek, row, 70);
}

/** Open the full page of a row or of the drawer. */
export function open(row, aside = false) {
  const to = row?.dataset.open || (row ? $(".name a, a[href]", row)?.href : "") || drawer()?.dataset.open;
  if (!to) return;
  if (aside) window.open(to, "_blank", "noopener");
  else location.assign(to);
}

// selection
let last = null;
function ticks() {
  return $$("[data-row] input[data-select]");
}

function selection() {
  const boxes = ticks();
  const chosen = boxes.filter((one) => one.checked);
  boxes.forEach((one) => one.closest("[data-row]").setAttribute("aria-selected", one.checked));
  const all = $("input[data-select-all]");
  if (all) {
    all.checked = boxes.length > 0 && chosen.length === boxes.length;
    all.indeterminate = chosen.length > 0 && !all.checked;
  }
  const bar = $("[data-bulk]");
  if (!bar) return;
  bar.hidden = chosen.length === 0;
  if (!chosen.length || chosen.length < boxes.length) delete bar.dataset.all;
  const whole = bar.dataset.all !== undefined;
  $$("[data-count]", bar).forEach((one) => { one.textContent = whole ? bar.dataset.total : chosen.length.toLocaleString(); });
  $$("[data-select-matching]", bar).forEach((one) => { one.hidden = whole || chosen.length < boxes.length; });
}

/** Tick or untick a row. */
export function toggle(row) {
  const box = row && $("input[data-select]", row);
  if (!box) return;
  box.checked = !box.checked;
  selection();
}

function clear() {
  ticks().forEach((one) => { one.checked = false; });
  selection();
}

document.addEventListener("click", (event) => {
  const tick = event.target.closest("input[data-select]");
  if (tick) {
    const all = ticks();
    if (event.shiftKey && last && last.isConnected) {
      const [from, to] = [all.indexOf(last), all.indexOf(tick)].sort((a, b) => a - b);
      all.slice(from, to + 1).forEach((one) => { one.checked = tick.checked; });
    }
    last = tick;
    selection();
    return;
  }
  if (event.target.closest("input[data-select-all]")) {
    ticks().forEach((one) => { one.checked = event.target.checked; });
    selection();
    return;
  }
  const row = event.target.closest("[data-row]");
  if (!row || event.target.closest("a, button, input, label, select, textarea, summary, [data-no-peek]")) return;
  if (String(getSelection())) return;
  mark(row);
  if (row.dataset.peek) peek(row.dataset.peek, row);
  else if (row.dataset.open) open(row, event.ctrlKey || event.metaKey);
});

// what is chosen goes along with the requests of the bulk bar, and of the forms it opened
document.addEventListener("htmx:configRequest", (event) => {
  if (!event.detail.elt.closest("[data-bulk], [data-bulk-form]")) return;
  const whole = $("[data-bulk]")?.dataset.all !== undefined;
  if (whole) event.detail.parameters.all = "1";
  else event.detail.parameters.ids = chosenIds();
});

/** The ids of the ticked rows. */
export function chosenIds() {
  return ticks().filter((one) => one.checked).map((one) => one.value || one.closest("[data-row]").dataset.id);
}

on("clear", clear);
on("close-peek", closePeek);
on("peek-next", () => step(1));
on("peek-prev", () => step(-1));
on("peek-open", () => open($("[data-row].peek")));
on("peek", (button, url) => peek(url || button.dataset.peek, button.closest("[data-row]")));
on("select-matching", (button) => {
  button.closest("[data-bulk]").dataset.all = "";
  selection();
});

// a swapped list: ticks, the row of the open drawer; on the page's start the drawer of ?peek=
function restore() {
  selection();
  const id = new URL(location.href).searchParams.get("peek");
  if (!id) return;
  const row = $(`[data-row][data-id="${CSS.escape(id)}"]`);
  row?.classList.add("peek");
  if (!drawer()?.hidden) return;
  const url = row?.dataset.peek || $("[data-peek-base]")?.dataset.peekBase.replace("{id}", encodeURIComponent(id));
  if (url) peek(url, row);
}
document.addEventListener("htmx:afterSettle", (event) => {
  if (!event.target.closest?.("#peek")) restore();
});
// a value was edited: its row on the page (data-row-url answers that one <tr>) and the drawer follow
function refresh(row) {
  if (!row?.dataset.rowUrl) return;
  const { id } = row.dataset;
  const ticked = $("input[data-select]", row)?.checked;
  window.htmx.ajax("GET", row.dataset.rowUrl, { target: row, swap: "outerHTML", source: document.body }).then(() => {
    const fresh = $(`[data-row][data-id="${CSS.escape(id)}"]`);
    const tick = fresh && $("input[data-select]", fresh);
    if (tick && ticked) tick.checked = true;
    fresh?.classList.add("at");
    restore();
  });
}
document.addEventListener("zk:edited", () => refresh(drawer()?.hidden ? current() : $("[data-row].peek")));
document.addEventListener("zk:changed", () => {
  const box = drawer();
  if (box && !box.hidden && box.dataset.url) window.htmx.ajax("GET", box.dataset.url, { target: box, swap: "innerHTML", source: box });
});
document.addEventListener("zk:deleted", () => {
  closePeek();
  if (rows().length) emit("zk:changed");
});
document.addEventListener("zk:clear", clear);
addEventListener("pageshow", restore);
// a list in groups: a group is folded and opened by its button
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-fold]");
  if (!button) return;
  button.setAttribute("aria-expanded", !button.closest(".zk-group").classList.toggle("folded"));
});
