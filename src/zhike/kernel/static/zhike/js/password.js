/* A new password: <div data-new-password="/address"> with an input and [data-strength]. The server says how good it is, in words. */
import { $, meta, on } from "./dom.js";

const WAIT_MS = 250;
let clock = 0, asked = 0;

async function judge(field) {
  const input = $("input", field), told = $("[data-strength]", field), words = $("[data-strength-words]", field);
  words.dataset.first ??= words.textContent;
  const number = ++asked;
  if (!input.value) {
    told.dataset.level = "";
    words.textContent = words.dataset.first;
    return;
  }
  const body = new URLSearchParams({ password: input.value });
  const answer = await fetch(field.dataset.newPassword, { method: "POST", body, headers: { "X-CSRFToken": meta("csrf-token") }, credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok || number !== asked) return;
  const verdict = await answer.json();
  told.dataset.level = verdict.level;
  words.textContent = verdict.words;
}

document.addEventListener("input", (event) => {
  const field = event.target.closest?.("[data-new-password]");
  if (!field) return;
  clearTimeout(clock);
  clock = setTimeout(() => judge(field), WAIT_MS);
});
on("reveal-secret", (button) => {
  const input = $("input", button.parentElement);
  const shown = input.type === "password";
  input.type = shown ? "text" : "password";
  button.setAttribute("aria-pressed", shown);
  input.focus();
});
