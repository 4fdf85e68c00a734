/* Files: <form data-drop action="url" data-target="#id"> with a .zk-drop label around input[type=file] and <progress hidden>.
   The answer is a HX-Redirect header, or a fragment for data-target; refusals are a fragment or plain text for [data-error]. */
import { $, $$, emit, fireTriggers, fragment, meta, wire, word } from "./dom.js";

const MEGABYTE = 1024 * 1024;

function tell(form, text) {
  const box = $("[data-error]", form);
  if (!box) {
    emit("zk:toast", { text, tone: "bad" });
    return;
  }
  box.textContent = text;
  box.hidden = !text;
}

function fits(form, files) {
  const accepted = ($("input[type=file]", form).accept || "").split(",").map((one) => one.trim().toLowerCase()).filter(Boolean);
  const limit = Number(form.dataset.maxMb || 0) * MEGABYTE;
  if (files.some((file) => accepted.length && !accepted.some((end) => end.startsWith(".") ? file.name.toLowerCase().endsWith(end) : true))) return "file_kind";
  return limit && files.some((file) => file.size > limit) ? "file_big" : "";
}

function answered(form, xhr) {
  const to = xhr.getResponseHeader("HX-Redirect");
  fireTriggers(xhr.getResponseHeader("HX-Trigger"));
  if (to) {
    location.assign(to);
    return;
  }
  const ok = xhr.status >= 200 && xhr.status < 300;
  const target = form.dataset.target && $(form.dataset.target);
  if (ok && target) {
    target.replaceChildren(fragment(xhr.responseText));
    wire(target);
  } else if (!ok) {
    const said = fragment(xhr.responseText).textContent.trim();
    tell(form, said && said.length < 300 ? said : word("failed"));
  }
}

function send(form, files) {
  const wrong = fits(form, files);
  tell(form, wrong ? word(wrong) : "");
  if (wrong || !files.length) return;
  const data = new FormData(form);
  const input = $("input[type=file]", form);
  data.delete(input.name);
  files.forEach((file) => data.append(input.name, file));
  const zone = $(".zk-drop", form);
  const bar = $("progress", form);
  const xhr = new XMLHttpRequest();
  xhr.open("POST", form.action);
  xhr.setRequestHeader("X-CSRFToken", meta("csrf-token"));
  xhr.setRequestHeader("HX-Request", "true");
  xhr.upload.addEventListener("progress", (event) => {
    if (!bar || !event.lengthComputable) return;
    bar.hidden = false;
    bar.max = event.total;
    bar.value = event.loaded;
  });
  const end = () => {
    zone?.removeAttribute("aria-busy");
    if (bar) bar.hidden = true;
    input.value = "";
  };
  xhr.addEventListener("load", () => { end(); answered(form, xhr); });
  xhr.addEventListener("error", () => { end(); tell(form, word("offline")); });
  zone?.setAttribute("aria-busy", "true");
  $$("[data-file-name]", form).forEach((one) => { one.textContent = files.map((file) => file.name).join(", "); });
  xhr.send(data);
}

document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-drop]");
  if (form && event.target.type === "file") send(form, [...event.target.files]);
});
document.addEventListener("dragover", (event) => {
  const zone = event.target.closest?.("form[data-drop] .zk-drop");
  if (!zone || ![...event.dataTransfer.types].includes("Files")) return;
  event.preventDefault();
  zone.classList.add("over");
});
document.addEventListener("dragleave", (event) => event.target.closest?.(".zk-drop")?.classList.remove("over"));
document.addEventListener("drop", (event) => {
  const zone = event.target.closest?.("form[data-drop] .zk-drop");
  if (!zone) return;
  event.preventDefault();
  zone.classList.remove("over");
  send(zone.closest("form"), [...event.dataTransfer.files]);
});
