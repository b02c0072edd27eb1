// @ts-check
// The drawing of a lot's price over time.
import { amountText } from "./amounts.js";
import { pricePath } from "./path.js";
import { say } from "./words.js";
import { clockIn } from "./zones.js";

const SPACE = "http://www.w3.org/2000/svg";

/** @param {string} name @param {Record<string, string | number>} members @param {string} [text] */
function shape(name, members, text) {
  const element = document.createElementNS(SPACE, name);
  for (const [member, value] of Object.entries(members)) element.setAttribute(member, String(value));
  if (text !== undefined) element.textContent = text;
  return element;
}

/** @param {HTMLElement} box @param {import("./path.js").Step[]} steps
 * @param {{low: number | null, high: number | null, currency: string, zone: string, nowMs: number, reserve?: number | null}} around */
export function drawPath(box, steps, { low, high, currency, zone, nowMs, reserve = null }) {
  box.hidden = steps.length === 0;
  if (!steps.length) return;
  const path = pricePath(steps, { low, high, nowMs });
  const first = /** @type {import("./path.js").Step} */ (steps[0]);
  const last = /** @type {import("./path.js").Step} */ (steps.at(-1));
  const svg = shape("svg", { class: "path", viewBox: "0 0 660 134", role: "img" });
  const facts = { from: amountText(first.price, currency), to: amountText(last.price, currency), n: steps.length };
  svg.append(shape("title", {}, low === null || high === null
    ? say("Price path: from %(from)s to %(to)s in %(n)s steps", facts)
    : say("Price path: from %(from)s to %(to)s in %(n)s steps; estimate %(low)s to %(high)s", {
      ...facts, low: amountText(low, currency), high: amountText(high, currency),
    })));
  if (path.band) {
    svg.append(shape("rect", { class: "band", x: 0, y: path.band.y, width: 600, height: Math.max(1, path.band.height) }));
    svg.append(shape("text", { x: 6, y: path.band.y + 12 }, say("estimate")));
  }
  if (reserve !== null && path.y(reserve) > 0) { // published with the record of a sold lot, never before
    svg.append(shape("line", { class: "goal", x1: 0, x2: 600, y1: path.y(reserve), y2: path.y(reserve) }));
    svg.append(shape("text", { x: 596, y: path.y(reserve) - 4, "text-anchor": "end" }, say("reserve")));
  }
  svg.append(shape("line", { class: "axis", x1: 0, x2: 600, y1: 118, y2: 118 }), shape("path", { class: "step", d: path.step }));
  for (const { x, y } of path.mine) svg.append(shape("rect", { class: "mine", x: x - 3.5, y: y - 3.5, width: 7, height: 7 }));
  svg.append(shape("circle", { cx: path.now.x, cy: path.now.y, r: 4, fill: "currentColor" }));
  svg.append(shape("text", { x: 608, y: path.now.y + 4 }, amountText(last.price, currency)));
  svg.append(shape("text", { x: 0, y: 132 }, clockIn(first.at, zone).slice(0, 5)), shape("text", { x: 600, y: 132, "text-anchor": "end" }, clockIn(nowMs, zone).slice(0, 5)));
  if (path.mine.length) svg.append(shape("text", { x: 300, y: 132, "text-anchor": "middle" }, `□ ${say("your bids")}`));
  box.replaceChildren(svg);
}
