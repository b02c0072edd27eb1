// @ts-check
// The reader's second currency: "about HKD 195,000" beside what is bid in. Pure; the same figures as the server's.
import { exponent, halfUp } from "./amounts.js";
import { say } from "./words.js";

/** @typedef {{currency: string, from: number, to: number}} About rates are micro-units for one unit of a common base */
const FIGURES = 3;

/** Whole major units of the other currency, to three figures. @param {number} minor @param {string} currency @param {About} about */
export function aboutMajor(minor, currency, about) {
  const major = halfUp(BigInt(minor) * BigInt(about.to), 10n ** BigInt(exponent(currency)) * BigInt(about.from));
  const unit = 10n ** BigInt(Math.max(0, String(major).length - FIGURES));
  return halfUp(major, unit) * unit;
}

/** @param {number} minor @param {string} currency @param {About | null | undefined} about */
export function aboutWords(minor, currency, about) {
  if (!about) return "";
  const grouped = String(aboutMajor(minor, currency, about)).replace(/\B(?=([0-9]{3})+$)/g, ",");
  return say("about %(sum)s", { sum: `${about.currency}\u00a0${grouped}` });
}
