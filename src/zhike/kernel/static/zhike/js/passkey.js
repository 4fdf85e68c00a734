/* Passkeys: <form data-passkey="get|create" data-options="/address"> or data-options-from="id of a json script", with a hidden
   field `credential`. Sending the form asks the device first. Forms for log-in stay hidden where the browser knows no passkeys. */
import { $, $$, emit, word } from "./dom.js";

const known = () => Boolean(window.PublicKeyCredential && window.webauthnJSON);

async function options(form) {
  if (form.dataset.optionsFrom) return JSON.parse($(`#${form.dataset.optionsFrom}`).textContent);
  const answer = await fetch(form.dataset.options, { headers: { Accept: "application/json" }, credentials: "same-origin" });
  if (!answer.ok) throw new Error("no options");
  return answer.json();
}

async function ask(form) {
  const told = await options(form);
  if (form.dataset.passkey === "get") return window.webauthnJSON.get(told.request_options);
  const wanted = structuredClone(told.creation_options);
  const alone = form.elements.namedItem("passwordless").checked;
  Object.assign(wanted.publicKey.authenticatorSelection, {
    residentKey: alone ? "required" : "discouraged", requireResidentKey: alone, ...(alone && { userVerification: "required" }),
  });
  return window.webauthnJSON.create(wanted);
}

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-passkey]");
  if (!form) return;
  event.preventDefault();
  const button = $("[type=submit]", form);
  button.disabled = true;
  try {
    form.elements.namedItem("credential").value = JSON.stringify(await ask(form));
    form.submit();
  } catch {
    button.disabled = false; // the person closed the window of the device, or it knows no key for us
    emit("zk:toast", { text: word("passkey_failed"), tone: "bad" });
  }
});

addEventListener("load", () => {
  if (known()) $$("form[data-passkey][hidden]").forEach((form) => { form.hidden = false; });
});
