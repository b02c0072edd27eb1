// @ts-check
/** Words for modules, in the language of the page.
 *
 * `say("Sending %(amount)s", { amount })` is written in English in the module; the Chinese stands in the catalogues under
 * the context `js`. `sentence(code, facts)` is the sentence of a code that came over the wire. The catalogue is loaded
 * before any module that imports this one runs, so both answer at once. */

/** @typedef {{js: Record<string, string>, code: Record<string, string>}} Catalogue */
/** @typedef {Record<string, string | number>} Facts */

/** The text with its places filled; a fact it lacks becomes a dash.
 * @param {string} text @param {Facts} [facts] */
export function fill(text, facts = {}) {
  return text.replace(/%\((\w+)\)s|%%/g, (place, name) => (place === "%%" ? "%" : String(facts[name] ?? "–")));
}

/** @param {string | undefined} address @returns {Promise<Catalogue>} */
async function load(address) {
  if (!address) return { js: {}, code: {} };
  try {
    const answer = await fetch(address);
    return answer.ok ? await answer.json() : { js: {}, code: {} };
  } catch {
    return { js: {}, code: {} }; // English words and bare codes are better than no page
  }
}

const catalogue = await load(typeof document === "undefined" ? undefined : document.documentElement.dataset.words);

/** "en" or "zh-Hans", as the page says. */
export const language = typeof document === "undefined" ? "en" : document.documentElement.lang;

/** @param {string} text the English words @param {Facts} [facts] */
export function say(text, facts) {
  return fill(catalogue.js[text] ?? text, facts);
}

/** @param {string} code @param {Facts} [facts] */
export function sentence(code, facts) {
  return fill(catalogue.code[code] ?? code, facts);
}
