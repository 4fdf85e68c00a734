/* Light, dark, or as the system; kept in the cookie zk_theme, so the server renders the page in it. */
import { $$, emit, on } from "./dom.js";

const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");
const ORDER = { auto: "light", light: "dark", dark: "auto" };

function show(choice) {
  root.dataset.theme = choice;
  root.dataset.bsTheme = choice === "auto" ? (system.matches ? "dark" : "light") : choice;
  $$('[data-do^="theme:"]').forEach((one) => one.setAttribute("aria-checked", one.dataset.do === `theme:${choice}`));
  emit("zk:theme");
}

/** Choose a theme and remember it for a year. */
export function choose(choice) {
  document.cookie = `zk_theme=${choice}; path=/; max-age=31536000; samesite=lax`;
  show(choice);
}

on("theme", (button, choice) => choose(choice || ORDER[root.dataset.theme || "auto"]));
system.addEventListener("change", () => {
  if ((root.dataset.theme || "auto") === "auto") show("auto");
});
