// @ts-check
// What a hammer price costs in the end, by the same bands and rounding as the server's. An estimate for the eye:
// the server reckons again for the limit and for the invoice.
import { halfUp } from "./amounts.js";

/** @typedef {[number | null, number][]} Bands up to and including, basis points */
/** @typedef {{regime: string, rate_bp: number} | null} Tax */

/** @param {number} hammer @param {Bands} bands */
export function premium(hammer, bands) {
  let below = 0n;
  let exact = 0n;
  const whole = BigInt(hammer);
  for (const [upto, rate] of bands) {
    const top = upto === null || BigInt(upto) > whole ? whole : BigInt(upto);
    exact += (top - below) * BigInt(rate);
    if (top === whole) break;
    below = top;
  }
  return Number(halfUp(exact, 10_000n));
}

/** @param {number} hammer @param {Bands} bands @param {Tax} tax */
export function allIn(hammer, bands, tax) {
  const fee = premium(hammer, bands);
  const base = (tax?.regime === "full" ? hammer : 0) + (tax && ["full", "margin"].includes(tax.regime) ? fee : 0);
  const due = tax ? Number(halfUp(BigInt(base) * BigInt(tax.rate_bp), 10_000n)) : 0;
  return { hammer, premium: fee, tax: due, total: hammer + fee + due };
}
