/* Conditions of a list: <form data-filters data-rows="/customers/filter/"> with a <fieldset data-cond="city"> each, which the server draws.
   [data-op] says how; of the fields those stand whose data-for names the operator; [data-value] are read in their order. */
import { $, $$, fragment, request } from "./dom.js";

const form = (node) => node.closest?.("form[data-filters]");

function fit(cond) {
  const op = $("[data-op]", cond).value;
  $$("[data-for]", cond).forEach((part) => { part.hidden = !part.dataset.for.split(" ").includes(op); });
}

function told(holder) {
  const none = $("[data-no-conds]", holder);
  if (none) none.hidden = Boolean($("[data-cond]", holder));
}

async function add(holder, name) {
  const answer = await request(`${holder.dataset.rows}${name}/row`).catch(() => null);
  if (!answer?.ok) return;
  const list = $("[data-conds]", holder);
  list.append(fragment(await answer.text()));
  const fresh = list.lastElementChild;
  fit(fresh);
  told(holder);
  $("[data-op]", fresh).focus();
}

// what a row means: ["city.in", "苏州,无锡"], or nothing while it is empty
function read(cond) {
  const name = cond.dataset.cond;
  const op = $("[data-op]", cond).value;
  if (op === "none" || op === "any") return [`${name}.${op}`, "1"];
  const span = $("[data-span]", cond);
  if (op === "this" && span) {
    const [which, part] = span.value.split(":");
    return [`${name}.${which}`, part];
  }
  const values = $$("[data-value]", cond)
    .filter((one) => !one.closest("[hidden]") && (one.type !== "checkbox" || one.checked))
    .map((one) => one.value.trim()).filter(Boolean);
  if (!values.length || (op === "between" && values.length < 2)) return null;
  return [`${name}.${op}`, values.join(",")];
}

function go(holder) {
  const found = new Map([...new FormData(holder)].map(([name, value]) => [name, String(value)]));
  $$("[data-cond]", holder).map(read).filter(Boolean).forEach(([name, value]) => {
    found.set(name, found.has(name) && name.endsWith(".in") ? `${found.get(name)},${value}` : value);
  });
  const query = [...found].filter(([, value]) => value).map(([name, value]) => `${encodeURIComponent(name)}=${value.split(",").map(encodeURIComponent).join(",")}`);
  if (found.has("view") && !found.has("only")) query.push("only=1");
  location.assign(query.length ? `${holder.action}?${query.join("&")}` : `${holder.action}?view=all`);
}

document.addEventListener("change", (event) => {
  const holder = form(event.target);
  if (!holder) return;
  if (event.target.matches("[data-op]")) fit(event.target.closest("[data-cond]"));
});
document.addEventListener("click", (event) => {
  const holder = form(event.target);
  if (!holder) return;
  const more = event.target.closest("[data-add-cond]");
  if (more) add(holder, more.dataset.addCond);
  if (event.target.closest("[data-clear-conds]")) $("[data-conds]", holder).replaceChildren();
  const drop = event.target.closest("[data-drop-cond]");
  if (drop) {
    const next = $("[data-add-conds]", holder) || $("[type=submit]", holder);
    drop.closest("[data-cond]").remove();
    next.focus();
  }
  told(holder);
});
// somebody found by typing joins the boxes, ticked
document.addEventListener("zk:picked", (event) => {
  if (!event.target.matches("form[data-filters] [data-adds]")) return;
  const boxes = event.target.parentElement.querySelector(".zk-options");
  const known = $$("[data-value]", boxes).find((one) => one.value === event.detail.id);
  if (known) known.checked = true;
  else {
    const label = boxes.lastElementChild.cloneNode(true);
    const box = $("input", label);
    box.value = event.detail.id;
    box.checked = true;
    label.replaceChildren(box, event.detail.label);
    boxes.append(label);
  }
  $$("input", event.target).forEach((one) => { one.value = ""; });
});
document.addEventListener("submit", (event) => {
  if (!form(event.target)) return;
  event.preventDefault();
  go(event.target);
});

/** Show of each row what its operator needs; called when a dialog was loaded. */
export function fitAll(root) {
  $$("form[data-filters] [data-cond]", root).forEach(fit);
}

/** Where there is no condition yet, what can be asked is offered at once; called when the dialog is open. */
export function offerFirst(root) {
  if ($("form[data-filters]", root) && !$("[data-cond]", root)) $("[data-add-conds]", root)?.click();
}
