/* Picker: <div class="zk-picker" data-picker="/customers/pick"><input type="hidden" name="x"><input type="text" role="combobox">
   <div class="zk-menu" hidden></div></div>. Typing asks the server; a choice fills the hidden field. */
import { $, $$, fragment, request } from "./dom.js";

const WAIT_MS = 120;
let clock = 0, count = 0;
const turns = new WeakMap(); // of each picker: a closed one is not opened again by an answer that was still on its way

const box = (event) => event.target.closest?.("[data-picker]");
const parts = (holder) => ({ stored: $("input[type=hidden]", holder), typed: $("input[type=text]", holder), menu: $(".zk-menu", holder) });

function turn(holder) {
  turns.set(holder, (turns.get(holder) ?? 0) + 1);
  return turns.get(holder);
}

function close(holder) {
  turn(holder);
  const { typed, menu } = parts(holder);
  menu.hidden = true;
  typed.setAttribute("aria-expanded", "false");
}

function choose(holder, option) {
  const { stored, typed } = parts(holder);
  stored.value = option.dataset.id;
  typed.value = option.dataset.label;
  close(holder);
  typed.focus();
  stored.dispatchEvent(new Event("change", { bubbles: true }));
  holder.dispatchEvent(new CustomEvent("zk:picked", { bubbles: true, detail: { ...option.dataset } }));
}

async function ask(holder) {
  const { typed, menu } = parts(holder);
  const address = holder.dataset.picker, mine = turn(holder);
  const answer = await request(`${address}${address.includes("?") ? "&" : "?"}q=${encodeURIComponent(typed.value)}`).catch(() => null);
  const text = answer?.ok ? await answer.text() : null;
  if (text === null || turns.get(holder) !== mine) return;
  menu.replaceChildren(fragment(text));
  menu.hidden = false;
  menu.id ||= `zk-pick-${++count}`;
  menu.setAttribute("aria-label", typed.getAttribute("aria-label") || typed.labels?.[0]?.innerText || typed.placeholder);
  typed.setAttribute("aria-controls", menu.id);
  typed.setAttribute("aria-expanded", "true");
  $("button", menu)?.classList.add("on");
}

document.addEventListener("input", (event) => {
  const holder = box(event);
  if (!holder || event.target.type !== "text") return;
  parts(holder).stored.value = "";
  clearTimeout(clock);
  const mine = turn(holder);
  clock = setTimeout(() => { if (turns.get(holder) === mine) ask(holder); }, WAIT_MS);
});
document.addEventListener("focusin", (event) => {
  const holder = box(event);
  // where a dialog opens with the focus here, the list would cover what stands below
  if (!holder) return;
  const { stored, typed } = parts(holder);
  if (event.target === typed && (stored.value || !typed.value)) Object.assign(holder.dataset, { wasId: stored.value, wasLabel: typed.value });
  if (!("onTyping" in holder.dataset) && event.target.type === "text" && !stored.value) ask(holder);
});
// what was typed without a choice stands for nothing: the choice before it comes back; an emptied field stays empty
document.addEventListener("focusout", (event) => {
  const holder = box(event);
  if (!holder || holder.contains(event.relatedTarget)) return;
  const { stored, typed } = parts(holder);
  if (!typed.value || stored.value) return;
  stored.value = holder.dataset.wasId || "";
  typed.value = holder.dataset.wasLabel || "";
}, true); // before an editor saves because the focus left it
document.addEventListener("keydown", (event) => {
  const holder = box(event);
  if (!holder || event.isComposing) return;
  const { stored, typed, menu } = parts(holder);
  if (menu.hidden) {
    if (event.key !== "Enter" || stored.value || !typed.value) return;
    event.preventDefault(); // the answer to what was typed is not there yet
    event.stopImmediatePropagation();
    ask(holder);
    return;
  }
  const options = $$(".zk-menu button", holder);
  const now = options.findIndex((one) => one.classList.contains("on"));
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    const next = Math.min(Math.max(now + (event.key === "ArrowDown" ? 1 : -1), 0), options.length - 1);
    options.forEach((one, at) => one.classList.toggle("on", at === next));
    options[next]?.scrollIntoView({ block: "nearest" });
  } else if (event.key === "Enter" && options[now]) {
    event.preventDefault();
    event.stopImmediatePropagation();
    choose(holder, options[now]);
  } else if (event.key === "Escape") {
    event.preventDefault();
    event.stopImmediatePropagation();
    close(holder);
  }
}, true);
document.addEventListener("click", (event) => {
  const option = event.target.closest?.("[data-picker] .zk-menu button");
  if (option) choose(option.closest("[data-picker]"), option);
  $$("[data-picker]").forEach((holder) => { if (!holder.contains(event.target)) close(holder); });
});
// a product brings its price along
document.addEventListener("zk:picked", (event) => {
  const price = event.target.closest("form")?.querySelector("input[data-price]");
  if (price && event.detail.price && !price.value) price.value = event.detail.price;
});
