// @ts-check
// What a verifier says: a line for each check, and the last line. A check that was not done is `skip` and proves nothing.
import { Unreadable } from "./verify-forms.js";
import { say, sentence } from "./words.js";

/** @typedef {{state: "ok" | "FAIL" | "skip" | "note", name: string, fact: string}} Line */
/** `verdict` is the last line of the command, `told` the same in the reader's language.
 * @typedef {{lines: Line[], verdict: string, told: string, exit: 0 | 1 | 2, code: string | null}} Report */

const ORDER = ["KEYS", "SCHEMA", "CONTEXT", "PROOF-DI", "PROOF-JWT", "KEY-PERIOD", "VALIDITY", "STATUS", "LEAF", "INCLUSION", "CHECKPOINT",
  "WITNESS", "MANIFEST", "TABLES", "VERDICT", "COUNTERSIGN", "OPENING"];

/** Lines as they are found, in whatever order, and whether anything is false or open. */
export class Examination {
  constructor() {
    /** @type {Line[]} */
    this.lines = [];
    /** @type {Set<string>} */
    this.open = new Set();
  }

  /** @param {string} name @param {string} fact */
  ok(name, fact) { this.lines.push({ state: "ok", name, fact }); }

  /** @param {string} name @param {string} fact */
  fail(name, fact) { this.lines.push({ state: "FAIL", name, fact }); }

  /** @param {string} name @param {string} fact */
  skip(name, fact) { this.lines.push({ state: "skip", name, fact }); }

  /** @param {string} name @param {string} fact */
  note(name, fact) { this.lines.push({ state: "note", name, fact }); }

  /** What could not be done although the answer hangs on it. @param {string} name @param {string} fact */
  undecided(name, fact) {
    this.open.add(name);
    this.skip(name, fact);
  }

  /** The lines in their fixed order; `valid` is the last line if nothing speaks against it.
   * @param {{verdict: string, told: string}} valid @returns {Report} */
  report(valid) {
    const lines = this.lines.sort((a, b) => ORDER.indexOf(a.name) - ORDER.indexOf(b.name));
    const failed = lines.find((line) => line.state === "FAIL")?.name;
    if (failed) return { lines, verdict: `NOT VALID: ${failed}`, told: say("NOT VALID: %(check)s", { check: plain(failed) }), exit: 1, code: failed };
    const open = ORDER.find((name) => this.open.has(name));
    if (open) return { lines, verdict: `NOT DECIDED: ${open}`, told: say("NOT DECIDED: %(check)s", { check: plain(open) }), exit: 2, code: open };
    return { lines, ...valid, exit: 0, code: null };
  }
}

/** A fault in what was handed in, as a line tells it. @param {unknown} fault */
export function why(fault) {
  return fault instanceof Unreadable ? say(fault.message) : say("a member is missing or of another kind");
}

/** A check's name with a plain word beside it. @param {string} name */
function plain(name) {
  return `${name} (${sentence(`checking_${name.toLowerCase()}`)})`;
}
