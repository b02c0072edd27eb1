// @ts-check
// What a typed entry of a sealed bid comes to: the same rules as the opening goes by, so that all three figures stand on
// the page before anything is sealed. Pure.
import { MAX_AMOUNT, halfUp, parseMinor, perCarat } from "./amounts.js";

/** @typedef {"total" | "per_carat" | "discount"} Entry */
/** @typedef {{mct: number, benchmark: number | null, minimum: number, currency: string}} Terms minor units, milli-carats */
/** `value` is what is sealed: minor units, or basis points.
 * @typedef {{value: number, total: number, perCarat: number | null, bp: number | null, code: string | null}} Reckoned */

const LEAST_BP = -100_000, MOST_BP = 10_000;

/** The figures of this entry, or null while nothing sensible is typed; `code` says why it would be void.
 * @param {Entry} entry @param {string} typed @param {Terms} terms @returns {Reckoned | null} */
export function reckon(entry, typed, terms) {
  const value = entry === "discount" ? parseBp(typed) : parseMinor(typed, terms.currency);
  if (value === null) return null;
  const total = totalOf(entry, value, terms);
  if (total === null) return null;
  const code = total > MAX_AMOUNT ? "amount_too_large" : total <= 0 ? "amount_invalid" : total < terms.minimum ? "below_opening" : null;
  const ppc = terms.mct > 0 ? perCarat(total, terms.mct) : null;
  const bp = terms.benchmark && ppc !== null ? Number(halfUp(BigInt(terms.benchmark - ppc) * 10_000n, BigInt(terms.benchmark))) : null;
  return { value, total, perCarat: entry === "per_carat" ? value : ppc, bp: entry === "discount" ? value : bp, code };
}

/** The total of a whole `value`, or null where a discount has no benchmark or is out of range.
 * @param {string} entry @param {number} value @param {{mct: number, benchmark: number | null}} terms */
export function totalOf(entry, value, terms) {
  if (entry === "total") return value;
  if (entry === "per_carat") return Number(halfUp(BigInt(value) * BigInt(terms.mct), 1000n));
  if (terms.benchmark === null || value < LEAST_BP || value >= MOST_BP) return null;
  return Number(halfUp(BigInt(terms.benchmark) * BigInt(terms.mct) * BigInt(10_000 - value), 10_000_000n));
}

/** Basis points of a typed percentage (`12.5`, `-3`), or null. @param {string} typed */
export function parseBp(typed) {
  const match = /^([-−]?)(\d{1,4})(?:\.(\d{1,2}))?\s*%?$/.exec(typed.trim());
  if (!match) return null;
  const bp = Number(match[2]) * 100 + Number(`${match[3] ?? ""}00`.slice(0, 2));
  return match[1] && bp ? -bp : bp;
}

/** `12.50 %`. @param {number} bp */
export function percentText(bp) {
  const size = Math.abs(bp);
  return `${bp < 0 ? "−" : ""}${Math.floor(size / 100)}.${String(size % 100).padStart(2, "0")} %`;
}
