// @ts-check
// Amounts are whole minor units, as on the server; words and places belong to the reader's page.

export const MAX_AMOUNT = 10 ** 15 - 1;

/** Digits after the decimal mark (ISO 4217); every currency not named here has two. @type {Record<string, number>} */
const EXPONENTS = { JPY: 0, KRW: 0, BHD: 3, KWD: 3, OMR: 3 };
const PLAIN = /^([0-9]{1,15})(?:\.([0-9]{1,3}))?$/;
const GROUPED = /^[0-9]{1,3}(?:[ ,'\u00a0\u202f’][0-9]{3})+(?:\.[0-9]{1,3})?$/;

/** @param {string} currency */
export function exponent(currency) {
  return EXPONENTS[currency] ?? 2;
}

/** Minor units of what a person typed (`12,500` or `12500.00`), or null when it is not exactly one amount.
 * @param {string} text @param {string} currency @returns {number | null} */
export function parseMinor(text, currency) {
  let plain = text.trim();
  if (GROUPED.test(plain)) plain = plain.replace(/[ ,'\u00a0\u202f’]/g, "");
  const match = PLAIN.exec(plain);
  if (match === null) return null;
  const places = exponent(currency);
  const part = match[2] ?? "";
  if (part.replace(/0+$/, "").length > places) return null;
  const minor = BigInt(/** @type {string} */ (match[1])) * 10n ** BigInt(places) + BigInt((part + "000").slice(0, places) || "0");
  return minor > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(minor);
}

/** `25,000`, with the currency's places only where they are not all nought.
 * @param {number} minor @param {string} currency */
export function amountText(minor, currency) {
  const places = exponent(currency);
  const size = 10 ** places;
  const whole = Math.floor(Math.abs(minor) / size);
  const part = Math.abs(minor) % size;
  const grouped = String(whole).replace(/\B(?=([0-9]{3})+$)/g, ",");
  return `${minor < 0 ? "−" : ""}${grouped}${part ? `.${String(part).padStart(places, "0")}` : ""}`;
}

/** `USD 25,000`: the ISO code stands before the amount in both languages.
 * @param {number} minor @param {string} currency */
export function moneyText(minor, currency) {
  return `${currency}\u00a0${amountText(minor, currency)}`;
}

/** The exact quotient to the nearest integer, halves away from zero; like the server's `half_up`.
 * @param {bigint} numerator @param {bigint} denominator */
export function halfUp(numerator, denominator) {
  const size = ((numerator < 0n ? -numerator : numerator) * 2n + denominator) / (2n * denominator);
  return numerator < 0n ? -size : size;
}

/** Price per carat, in minor units. @param {number} minor @param {number} weightMct */
export function perCarat(minor, weightMct) {
  return weightMct > 0 ? Number(halfUp(BigInt(minor) * 1000n, BigInt(weightMct))) : null;
}
