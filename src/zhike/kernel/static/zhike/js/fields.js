/* Settings of fields: a press on a field's name puts it into the formula, where the cursor stands. */
import { $, on } from "./dom.js";

on("insert", (button, name) => {
  const formula = $("textarea[name=formula]", button.closest("form"));
  formula.setRangeText(`{${name}}`, formula.selectionStart, formula.selectionEnd, "end");
  formula.focus();
  formula.dispatchEvent(new Event("change", { bubbles: true }));
});
