// @ts-check
// The running order as the server keeps it: pure, so that the page and the server agree on where a lot lands.

/** @typedef {{key: string, altKey: boolean, shiftKey: boolean, ctrlKey: boolean, metaKey: boolean}} Pressed */

export const FAR = 10_000;

/** What a key asks of the lot that has the focus: a step, a question for a position, or nothing.
 * @param {Pressed} pressed @returns {number | "ask" | null} */
export function stepOf({ key, altKey, shiftKey, ctrlKey, metaKey }) {
  if (ctrlKey || metaKey) return null;
  if (!altKey) return !shiftKey && key.toLowerCase() === "m" ? "ask" : null;
  if (key === "ArrowUp") return shiftKey ? -10 : -1;
  if (key === "ArrowDown") return shiftKey ? 10 : 1;
  if (key === "Home") return -FAR;
  if (key === "End") return FAR;
  return null;
}

/** The place, counted from 0, where a lot at `at` of `count` lands after a step.
 * @param {number} at @param {number} step @param {number} count */
export function landing(at, step, count) {
  return Math.max(0, Math.min(count - 1, at + step));
}

/** The place where lots that move together land after a step, counted among those that stay.
 * @template T @param {readonly T[]} order @param {readonly T[]} moving @param {number} step */
export function blockLanding(order, moving, step) {
  const first = order.findIndex((one) => moving.includes(one));
  return Math.max(0, Math.min(order.length - moving.length, first + step));
}

/** Which row a plain key goes to from row `at` of `count`; null when the key means none.
 * @param {Pressed} pressed @param {number} at @param {number} count @returns {number | null} */
export function rowAfter({ key, altKey, ctrlKey, metaKey }, at, count) {
  if (altKey || ctrlKey || metaKey) return null;
  if (key === "ArrowUp") return Math.max(0, at - 1);
  if (key === "ArrowDown") return Math.min(count - 1, at + 1);
  if (key === "Home") return 0;
  return key === "End" ? count - 1 : null;
}

/** The order once the moving ones stand together from `position`, in their present relative order.
 * @template T @param {readonly T[]} order @param {readonly T[]} moving @param {number} position @returns {T[]} */
export function rearranged(order, moving, position) {
  const block = order.filter((one) => moving.includes(one));
  const rest = order.filter((one) => !moving.includes(one));
  const place = Math.max(0, Math.min(position, rest.length));
  return [...rest.slice(0, place), ...block, ...rest.slice(place)];
}

/** The position that a drop before or after `target` means; null when it is dropped on itself.
 * @template T @param {readonly T[]} order @param {readonly T[]} moving @param {T} target @param {boolean} after
 * @returns {number | null} */
export function dropPlace(order, moving, target, after) {
  if (moving.includes(target)) return null;
  return order.filter((one) => !moving.includes(one)).indexOf(target) + (after ? 1 : 0);
}

/** A position typed by a person, counted from 1; null when it is none. @param {string} text @returns {number | null} */
export function typedPlace(text) {
  const place = /^[0-9]{1,4}$/.test(text.trim()) ? Number(text) : 0;
  return place > 0 ? place - 1 : null;
}

/** Whether the numbers, as far as given, rise in this order; each is `12:` or `12:A`. @param {readonly string[]} numbers */
export function numbersFollow(numbers) {
  const given = numbers.filter(Boolean).map((text) => {
    const [number, suffix = ""] = text.split(":");
    return { number: Number(number), suffix };
  });
  return given.every((now, at) => {
    const before = given[at - 1];
    return !before || before.number < now.number || (before.number === now.number && before.suffix <= now.suffix);
  });
}
