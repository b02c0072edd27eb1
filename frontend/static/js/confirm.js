// @ts-check
// A bid far above the ask is confirmed by typing the amount again or by sliding; nothing else lets it through.
import { amountText, moneyText, parseMinor } from "./amounts.js";
import { stepsAbove } from "./ladder.js";
import { setText } from "./icons.js";
import { say } from "./words.js";

/** @typedef {{amount: number, ask: number, currency: string, increments: import("./ladder.js").Increments, cost: {hammer: number, premium: number, tax: number, total: number}, left: number | null, taxKnown: boolean}} Question */

/** Resolves to whether the reader meant it. @param {HTMLDialogElement} dialog @param {Question} question @returns {Promise<boolean>} */
export function confirmJump(dialog, question) {
  const { amount, ask, currency, cost } = question;
  const part = (/** @type {string} */ name) => dialog.querySelector(`[data-cost="${name}"]`);
  const again = /** @type {HTMLInputElement} */ (dialog.querySelector("#again"));
  const slide = /** @type {HTMLInputElement} */ (dialog.querySelector("[data-slide]"));
  const hint = dialog.querySelector("[data-again-hint]");
  setText(dialog.querySelector("[data-confirm-why]"), say("The ask is %(ask)s. You typed %(amount)s, which is %(steps)s steps more.", {
    ask: amountText(ask, currency), amount: amountText(amount, currency), steps: stepsAbove(question.increments, ask, amount),
  }));
  setText(dialog.querySelector("[data-confirm-slide]"), say("Slide to confirm %(amount)s", { amount: amountText(amount, currency) }));
  setText(part("hammer"), amountText(cost.hammer, currency));
  setText(part("premium"), amountText(cost.premium, currency));
  setText(part("tax"), question.taxKnown ? amountText(cost.tax, currency) : "–");
  setText(part("total"), moneyText(cost.total, currency));
  setText(part("left"), question.left === null ? "–" : amountText(question.left, currency));
  const wrong = (/** @type {string} */ words) => {
    setText(hint, words);
    again.closest(".field")?.classList.toggle("is-wrong", words !== "");
    if (words) again.setAttribute("aria-invalid", "true");
    else again.removeAttribute("aria-invalid");
  };
  wrong("");
  again.value = "";
  slide.value = "0";

  return new Promise((resolve) => {
    const over = new AbortController();
    const on = { signal: over.signal };
    let meant = false;
    const yes = () => { meant = true; dialog.close(); };
    dialog.addEventListener("close", () => { over.abort(); resolve(meant); }, on);
    dialog.querySelector("[data-change]")?.addEventListener("click", () => dialog.close(), on);
    slide.addEventListener("change", () => { if (Number(slide.value) >= 100) yes(); else slide.value = "0"; }, on);
    dialog.querySelector("[data-retype]")?.addEventListener("submit", (event) => {
      event.preventDefault();
      if (parseMinor(again.value, currency) === amount) yes();
      else { wrong(say("That is not %(amount)s.", { amount: amountText(amount, currency) })); again.select(); }
    }, on);
    dialog.showModal();
    again.focus();
  });
}
