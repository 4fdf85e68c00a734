/* Dialogs. data-dialog="url" loads a form into #dialog; data-do="dialog:id" opens one that is on the page;
   hx-confirm asks in our own words; the server closes with HX-Trigger "zk:close". */
import { $, fragment, on, request, wire, word } from "./dom.js";
import { fitAll, offerFirst } from "./filters.js";
import { toast } from "./toasts.js";

function open(dialog) {
  if (!dialog || dialog.open) return;
  dialog.showModal();
  $("[autofocus]", dialog)?.focus();
}

/** Load a form or question from the server into the one dialog of the page. */
export async function load(url) {
  const holder = $("#dialog");
  const answer = await request(url).catch(() => null);
  if (!answer?.ok) {
    toast({ text: word(answer ? (answer.status === 403 ? "forbidden" : "failed") : "offline"), tone: "bad" });
    return;
  }
  holder.replaceChildren(fragment(await answer.text()));
  holder.classList.toggle("wide", Boolean($("[data-wide]", holder)));
  fitAll(holder);
  wire(holder);
  open(holder);
  offerFirst(holder);
}

// an answer that came into the dialog from a button outside of it (data-opens)
document.addEventListener("htmx:afterSwap", (event) => {
  const asked = event.detail.requestConfig?.elt;
  if (event.target.id === "dialog" && asked?.matches("[data-opens]")) open(event.target);
});

on("dialog", (button, id) => open(document.getElementById(id)));
on("close", (button) => button.closest("dialog")?.close());
document.addEventListener("zk:close", () => $("dialog[open]")?.close());
document.addEventListener("click", (event) => {
  const asks = event.target.closest("[data-dialog]");
  if (asks && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    load(asks.dataset.dialog || asks.href);
  }
  if (event.target.matches("dialog.zk-modal") && !$("form[data-guard]", event.target)) event.target.close();
});

// hx-confirm: data-verb names the button, data-danger makes it red, data-title is the question, hx-confirm what follows
document.addEventListener("htmx:confirm", (event) => {
  if (!event.detail.question) return;
  event.preventDefault();
  const asks = event.detail.elt;
  const dialog = $("#confirm");
  const go = $("[data-go-on]", dialog);
  const [title, text] = asks.dataset.title ? [asks.dataset.title, event.detail.question] : [event.detail.question, ""];
  $("[data-title]", dialog).textContent = title;
  $("[data-text]", dialog).textContent = text;
  $("[data-text]", dialog).hidden = !text;
  go.textContent = asks.dataset.verb || asks.textContent.trim() || word("go_on");
  go.classList.toggle("btn-danger", asks.dataset.danger !== undefined);
  go.classList.toggle("btn-primary", asks.dataset.danger === undefined);
  go.onclick = () => {
    dialog.close();
    event.detail.issueRequest(true);
  };
  open(dialog);
});
