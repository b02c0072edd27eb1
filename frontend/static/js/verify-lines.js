// @ts-check
// How a report looks: a mark, a name, a word and a fact for each check. Only what was found true has the mark of truth.
import { icon } from "./icons.js";
import { sentence } from "./words.js";

const MARKS = { ok: "check", FAIL: "cross", skip: "bar", note: "open" };
const VERDICTS = /** @type {const} */ ({
  0: ["is-leading", "verified", "verify_valid"], 1: ["is-outbid", "cross", "verify_false"], 2: ["is-quiet", "open", "verify_open"],
  3: ["is-quiet", "bar", "not_verifiable"], 4: ["is-quiet", "bar", "verify_no_checker"],
});

/** @param {import("./verify-report.js").Line} line */
export function lineOf({ state, name, fact }) {
  const row = document.createElement("li");
  row.className = `verify-line is-${state.toLowerCase()}`;
  const words = document.createElement("span");
  const title = document.createElement("b");
  title.textContent = name;
  const plain = document.createElement("span");
  plain.className = "verify-plain";
  plain.textContent = sentence(`checking_${name.toLowerCase()}`);
  const word = document.createElement("span");
  word.className = "verify-state";
  word.textContent = sentence(`check_${state.toLowerCase()}`);
  words.append(title, " ", plain, " ", word, document.createElement("br"), fact);
  row.append(icon(MARKS[state]), words);
  return row;
}

/** @param {{exit: 0 | 1 | 2 | 3 | 4, told: string}} report */
export function verdictOf({ exit, told }) {
  const [look, mark, code] = VERDICTS[exit];
  const row = document.createElement("p");
  row.className = `verify-verdict ${look}`;
  row.dataset.verdict = "";
  const words = document.createElement("span");
  const said = document.createElement("b");
  said.textContent = sentence(code);
  const line = document.createElement("code");
  line.textContent = told;
  words.append(said, " ", line);
  row.append(icon(mark), words);
  return row;
}
