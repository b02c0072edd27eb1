// @ts-check
// The last checkpoint this browser saw of a sale, kept: a record that later shows fewer events, or another root for the
// same number of events, has been changed, and this page is the witness.

/** @typedef {{origin: string, size: number, root: string}} Checkpoint */

/** @param {string | null | undefined} text @returns {Checkpoint | null} */
export function parse(text) {
  const [origin, size, root, gap] = (text ?? "").split("\n");
  if (!origin || !size || !root || gap !== "" || !/^(0|[1-9][0-9]{0,15})$/.test(size)) return null;
  return { origin, size: Number(size), root };
}

/** What the new one means to whoever kept the old one.
 * @param {Checkpoint | null} kept @param {Checkpoint} seen @returns {"newer" | "same" | "older" | "forked"} */
export function compare(kept, seen) {
  if (kept === null || seen.size > kept.size) return kept && kept.origin !== seen.origin ? "forked" : "newer";
  if (seen.size < kept.size) return "older";
  return seen.root === kept.root && seen.origin === kept.origin ? "same" : "forked";
}

/** Keeps the text when it is the newest; says what it is. An older one may simply have overtaken on its way.
 * @param {import("./pending.js").Store} store @param {string} sale @param {string} text */
export function keep(store, sale, text) {
  const seen = parse(text);
  if (seen === null) return "unreadable";
  const name = `pavilion.checkpoint.${sale}`;
  const found = compare(parse(store.getItem(name)), seen);
  if (found === "newer") store.setItem(name, text);
  return found;
}
