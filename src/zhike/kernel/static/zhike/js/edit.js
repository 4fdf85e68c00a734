/* Edit where you read. button.zk-edit[data-edit-url]: GET answers <form class="zk-editor" action="save url"> with one field and a
   hidden `version`; Enter or leaving saves; Esc drops. The answer to POST replaces the form: 200 the new button, 422 the form
   with its reason, 409 a .zk-conflict that shows both values. */
import { $, emit, fireTriggers, fragment, on, request, wire, word } from "./dom.js";

const before = new WeakMap();

function swap(old, html) {
  const fresh = fragment(html);
  const first = fresh.firstElementChild;
  old.replaceWith(fresh);
  wire(first);
  return first;
}

function focusField(form) {
  const field = $("input:not([type=hidden]), select, textarea", form);
  field?.focus();
  if (field?.matches("input:not([type=checkbox], [type=radio], [type=date])")) field.select();
}

// `root` is what the answer replaces: the form itself, or the box with both values around it
// what is shown of a value: the button, or the button with what stands beside it (a link, "show in full")
const whole = (button) => button.closest(".zk-linked, .zk-reveal") || button;

function adopt(root, button, was) {
  const form = root?.matches("form.zk-editor") ? root : root && $("form.zk-editor", root);
  if (!form) return;
  before.set(form, { button, was, root, values: values(form) });
  if (form === root && !forced(form)) focusField(form);
  else $("button", form)?.focus();
}

const forced = (form) => form.matches("[data-force]");
const values = (form) => new URLSearchParams(new FormData(form)).toString();

/** Open the editor of a value. */
export async function start(button) {
  if (button.disabled || button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  const answer = await request(button.dataset.editUrl).catch(() => null);
  button.removeAttribute("aria-busy");
  if (!answer?.ok) {
    refused(answer);
    return;
  }
  const was = whole(button);
  adopt(swap(was, await answer.text()), button, was);
}

function refused(answer) {
  const header = answer?.headers.get("HX-Trigger");
  if (header) fireTriggers(header);
  else emit("zk:toast", { text: word(answer ? { 403: "forbidden", 404: "gone" }[answer.status] || "failed" : "offline"), tone: "bad" });
}

function drop(form) {
  const kept = form && before.get(form);
  if (!kept) return;
  before.delete(form);
  kept.root.replaceWith(kept.was);
  kept.button.focus();
}

async function save(form, refocus) {
  const kept = before.get(form);
  if (!kept || form.getAttribute("aria-busy") === "true") return;
  if (values(form) === kept.values && !forced(form)) {
    drop(form);
    return;
  }
  form.setAttribute("aria-busy", "true");
  const answer = await request(form.action, { method: "POST", body: new FormData(form) }).catch(() => null);
  form.removeAttribute("aria-busy");
  if (!answer || ![200, 409, 422].includes(answer.status)) {
    refused(answer);
    focusField(form);
    return;
  }
  fireTriggers(answer.headers.get("HX-Trigger"));
  const fresh = swap(kept.root, await answer.text());
  if (answer.ok) {
    if (refocus) (fresh?.matches?.("button") ? fresh : fresh && $("button", fresh))?.focus();
    emit("zk:edited", { url: form.action });
  } else {
    adopt(fresh, kept.button, kept.was);
  }
}

const editor = (event) => event.target.closest?.("form.zk-editor");

document.addEventListener("click", (event) => {
  const button = event.target.closest("button.zk-edit[data-edit-url]");
  if (button && !String(getSelection())) start(button);
});
document.addEventListener("submit", (event) => {
  const form = editor(event);
  if (!form) return;
  event.preventDefault();
  save(form, true);
}, true);
document.addEventListener("keydown", (event) => {
  const form = editor(event);
  if (!form || event.isComposing) return;
  if (event.key === "Escape") {
    event.preventDefault();
    event.stopPropagation();
    drop(form);
  } else if (event.key === "Enter" && !event.target.matches("button") && (!event.target.matches("textarea") || event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    save(form, true);
  }
}, true);
document.addEventListener("focusout", (event) => {
  const form = editor(event);
  if (!form || forced(form) || form.contains(event.relatedTarget)) return;
  setTimeout(() => {
    if (form.isConnected && !form.contains(document.activeElement) && document.hasFocus()) save(form, false);
  });
});
document.addEventListener("change", (event) => {
  const form = editor(event);
  if (form && event.target.matches("select")) save(form, true);
});
document.addEventListener("zk:picked", (event) => {
  const form = editor(event);
  if (form) save(form, true);
});

// the difference: mine again over the newer one (its form carries the new version), or theirs
on("edit-theirs", (button) => {
  const form = button.closest("form.zk-editor") || $("form.zk-editor", button.closest(".zk-conflict"));
  const url = form && before.get(form)?.button.dataset.editUrl;
  drop(form);
  if (url) emit("zk:changed", { url });
});
