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

/**
 * The fingerprint of the notice to show: that of a version of this passport, `unknown` for a code that fits none of them,
 * null where there is nothing to tell.
 * @param {string} hash @param {string} shown @param {string[]} versions fingerprints of the other versions
 */
export function noticeFor(hash, shown, versions) {
  if (!isForAnother(hash, shown)) return null;
  const scanned = hash.slice(1).toLowerCase();
  return versions.includes(scanned) ? scanned : "unknown";
}

/** @param {Document} page */
export function tellOther(page) {
  const alarm = /** @type {HTMLElement | null} */ (page.querySelector("[data-scanned]"));
  const known = /** @type {HTMLElement[]} */ ([...page.querySelectorAll("[data-scanned-version]")]);
  if (!alarm) return;
  const wanted = noticeFor(page.location.hash, alarm.dataset.scanned ?? "", known.map((one) => one.dataset.scannedVersion ?? ""));
  alarm.hidden = wanted !== "unknown";
  for (const one of known) one.hidden = one.dataset.scannedVersion !== wanted;
}

if (typeof document !== "undefined") {
  tellOther(document);
  globalThis.addEventListener("hashchange", () => tellOther(document));
}
