// @ts-check
/** A card's code ends in the first digits of the passport it was made for; the page tells when it shows another. */

const DIGITS = /^#([0-9a-f]{16})$/;

/**
 * Whether the address came from a code that was made for another document than the one shown.
 * @param {string} hash fragment of the address, `#` first
 * @param {string} shown first 16 hex digits of the document that is shown
 */
export function isForAnother(hash, shown) {
  const scanned = DIGITS.exec(hash.toLowerCase());
  return scanned !== null && scanned[1] !== shown;
}

/** @param {Document} page */
export function tellOther(page) {
  const notice = /** @type {HTMLElement | null} */ (page.querySelector("[data-scanned]"));
  if (notice) notice.hidden = !isForAnother(page.location.hash, notice.dataset.scanned ?? "");
}

if (typeof document !== "undefined") {
  tellOther(document);
  globalThis.addEventListener("hashchange", () => tellOther(document));
}
