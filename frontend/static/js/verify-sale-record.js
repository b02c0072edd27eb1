// @ts-check
// `pavilion verify-sale` in the browser: whether the record of a sale is what its engine signed, and follows from its
// rules. The same checks in the same order as the command, so that both name the same first line.
import { nameLine } from "./verify-sale-altered.js";
import { Opened } from "./verify-sale-envelopes.js";
import { canonical, sha256 } from "./sha256.js";
import { BadLine, Odd, Undecided, hex, readLine } from "./verify-sale-lines.js";
import { BadNote, saleKey, verifyCheckpoint } from "./verify-sale-note.js";
import { Commits, Failed } from "./verify-sale-opened.js";
import { Replay } from "./verify-sale-replay.js";
import { parseRules } from "./verify-sale-rules.js";
import { CompactTree } from "./verify-sale-tree.js";

/** @typedef {import("./verify-sale-lines.js").Line} Line */
/** @typedef {import("./verify-sale-lines.js").Event | import("./verify-sale-lines.js").Leaf} Entry */
/** @typedef {{ok: true, sale: string, events: number, root: string, lots: number, hidden: number, hidden_lots: string[],
 *   keys: string[], asked: string | null, envelopes: number | null}} Good `asked`: the signed root at the size that was asked
 *   for; `envelopes`: of a tender, how many were opened */
/** `n` is null where the line is no event. @typedef {{ok: false, line: number, n: number | null, rule: string, fact: string}} Bad */
/** @typedef {{ok: null, why: "not_a_record" | "undecided", fact: string}} Open */
/** @typedef {(phase: "read" | "signed" | "opened" | "replayed", done: number, of: number) => void} Tell */

const STEP = 2000; // lines between two words of progress

class NotARecord extends Error {}

/** The verdict on these bytes. @param {Uint8Array} data @param {Tell} [tell]
 * @param {(sale: string) => number | null} [asked] the size at which the reader knows the root @returns {Promise<Good | Bad | Open>} */
export async function verifySale(data, tell = () => {}, asked = () => null) {
  try {
    const log = new Log(linesOf(data, tell), tell, asked);
    await log.read();
    return await log.replayed();
  } catch (fault) {
    if (fault instanceof Failed) return { ok: false, line: fault.line, n: fault.n, rule: fault.rule, fact: fault.fact };
    if (fault instanceof NotARecord) return { ok: null, why: "not_a_record", fact: fault.message };
    if (fault instanceof Undecided) return { ok: null, why: "undecided", fact: fault.message };
    throw fault;
  }
}

/** Every line, read or with what keeps it from being read. @param {Uint8Array} data @param {Tell} tell @returns {(Line | Error)[]} */
function linesOf(data, tell) {
  const found = [];
  for (let from = 0; from < data.length;) {
    const newline = data.indexOf(10, from), to = newline < 0 ? data.length : newline + 1;
    try {
      found.push(readLine(data.subarray(from, to)));
    } catch (fault) {
      if (!(fault instanceof BadLine || fault instanceof Undecided)) throw fault;
      found.push(fault);
    }
    from = to;
    if (found.length % STEP === 0) tell("read", from, data.length);
  }
  return found;
}

// -- what was signed --------------------------------------------------------------------------------------------------

/** One pass over the record: forms, numbers, tree, checkpoints, and the openings at its end. */
class Log {
  /** @param {(Line | Error)[]} lines @param {Tell} tell @param {(sale: string) => number | null} asked */
  constructor(lines, tell, asked) {
    this.lines = lines;
    this.tell = tell;
    this.asked = asked;
    /** @type {string | null} */
    this.root = null; // at the size that was asked for
    /** @type {import("./verify-sale-lines.js").Header} */
    this.header = { kind: "header", sale: "", rules: {}, keys: [], openings: "" };
    this.rules = /** @type {import("./verify-sale-rules.js").RuleSet} */ (/** @type {unknown} */ (null)); // by the header
    /** @type {import("./verify-forms.js").VerifierKey[]} */
    this.keys = [];
    this.tree = new CompactTree();
    /** @type {[number, Entry][]} */
    this.batch = [];
    /** @type {Failed | null} a checkpoint that is no good; the next one may show that the events are */
    this.wrongRoot = null;
    /** @type {Set<string>} */
    this.used = new Set();
    /** @type {string | null} */
    this.rulesHash = null;
    /** Every rule set of the record, by its hash. @type {Map<string, import("./verify-sale-amended.js").Document>} */
    this.documents = new Map();
    /** Those that no event has named yet, with their lines. @type {Map<string, number>} */
    this.spare = new Map();
    /** @type {[number, import("./verify-sale-lines.js").BidOpening | import("./verify-sale-lines.js").ReserveOpening][]} */
    this.openings = [];
    /** @type {[number, import("./verify-sale-lines.js").TenderLine][]} */
    this.tender = [];
    this.eventsEnd = 0; // the line after the last checkpoint
  }

  async read() {
    for (let number = 1; number <= this.lines.length; number += 1) {
      const line = /** @type {Line | Error} */ (this.lines[number - 1]);
      try {
        if (line instanceof Error) throw line;
        await this.take(number, line);
      } catch (fault) {
        if (!(fault instanceof BadLine)) throw fault;
        if (number === 1 && !this.good(1000).some(([at]) => at > 1)) throw new NotARecord(fault.message);
        throw new Failed(number, fault.n, fault.rule, fault.fact);
      }
      if (number % STEP === 0) this.tell("signed", number, this.lines.length);
    }
    const last = this.lines.length, left = this.batch[this.batch.length - 1];
    if (!last) throw new NotARecord("the file is empty");
    if (this.wrongRoot) throw this.wrongRoot;
    if (left) throw new Failed(left[0] + 1, left[1].n, "checkpoint", "the last events are not signed");
    if (!this.tree.size) throw new Failed(last + 1, null, "end", "the record holds no events");
    const unused = this.header.keys.filter((key) => !this.used.has(key)).sort();
    if (unused.length) throw new Failed(1, null, "keys", `nothing is signed by ${unused[0]}`);
    if (this.rulesHash === null || documentHash(this.header.rules) !== this.rulesHash) {
      throw new Failed(1, null, "rules", "the rule set is not the one that was published");
    }
    for (const number of this.spare.values()) throw new Failed(number, null, "rules", "no event names this rule set");
  }

  /** @param {number} number @param {Line} line */
  async take(number, line) {
    if ((number === 1) !== (line.kind === "header")) throw new BadLine("order", "the header comes first, and once");
    if (line.kind === "header") await this.takeHeader(line);
    else if (line.kind === "rules") this.takeRules(number, line.rules);
    else if (line.kind === "event" || line.kind === "leaf") {
      if (this.openings.length || this.tender.length) throw new BadLine("order", "an event after the openings", line.n);
      this.batch.push([number, line]);
    } else if (line.kind === "root") {
      if (this.openings.length || this.tender.length) throw new BadLine("order", "a checkpoint after the openings");
      await this.takeRoot(number, line.text);
    } else {
      if (this.wrongRoot) throw this.wrongRoot;
      if (this.batch.length) throw new BadLine("order", "opened before the events are signed");
      if (line.kind === "weight" || line.kind === "envelope" || line.kind === "share") this.tender.push([number, line]);
      else if (this.tender.length) throw new BadLine("order", "an opening after the envelopes");
      else this.openings.push([number, line]);
    }
  }

  /** @param {import("./verify-sale-lines.js").Header} header */
  async takeHeader(header) {
    this.header = header;
    this.rules = parsed(header.rules);
    this.documents.set(documentHash(header.rules), { rules: this.rules, doc: header.rules });
    if (header.openings !== this.rules.openings) throw new BadLine("openings", "not those of the rule set");
    try {
      this.keys = header.keys.map(saleKey);
    } catch (fault) {
      if (fault instanceof BadNote) throw new BadLine("keys", fault.message);
      throw fault;
    }
    if (new Set(header.keys).size !== header.keys.length || !(await this.anySigned())) {
      throw new BadLine("keys", "no checkpoint of this sale is signed by them");
    }
  }

  /** @param {number} number @param {import("./verify-sale-lines.js").Doc} doc */
  takeRules(number, doc) {
    if (this.batch.length || this.tree.size) throw new BadLine("order", "a rule set after the events");
    const rules = parsed(doc), hash = documentHash(doc);
    if (this.documents.has(hash)) throw new BadLine("rules", "this rule set stands in the record twice");
    this.documents.set(hash, { rules, doc });
    this.spare.set(hash, number);
  }

  async anySigned() {
    for (const [, line] of this.good()) {
      if (line.kind !== "root") continue;
      try {
        if ((await verifyCheckpoint(line.text, this.keys)).origin.endsWith(`/sale/${this.header.sale}`)) return true;
      } catch (fault) {
        if (!(fault instanceof BadNote)) throw fault;
      }
    }
    return false;
  }

  /** @param {number} number @param {string} text */
  async takeRoot(number, text) {
    let signed;
    try {
      signed = await this.signed(text);
    } catch (fault) {
      if (!(fault instanceof BadNote)) throw fault;
      // The events before it may still be good, which the next checkpoint shows; then this line is the first bad.
      this.wrongRoot ??= new Failed(number, null, "checkpoint", fault.message);
      return;
    }
    const tree = this.tree.copy();
    for (const [, one] of this.batch) tree.append(one.leaf);
    if (tree.size !== signed.size || hex(tree.root()) !== signed.root) {
      const named = nameLine(this.good(), this.tree, this.batch, number, signed, (until) => this.replayFault(until));
      throw new Failed(named.line, this.batch.find(([at]) => at === named.line)?.[1].n ?? null, named.rule, named.fact);
    }
    if (this.wrongRoot) throw this.wrongRoot;
    this.batch.forEach(([at, one], k) => {
      if (one.n !== this.tree.size + k) throw new Failed(at, one.n, "order", `n ${this.tree.size + k} is due`);
      if (one.kind === "event" && one.type === "sale.published") this.rulesHash = one.data.rules;
      if (one.kind === "event" && one.lot === null) this.spare.delete(one.data[one.type === "sale.amended" ? "to" : "rules"]);
    });
    if (tree.size === this.asked(this.header.sale)) this.root = signed.root;
    [this.tree, this.batch, this.eventsEnd] = [tree, [], number + 1];
  }

  /** @param {string} text */
  async signed(text) {
    const found = await verifyCheckpoint(text, this.keys);
    const places = found.signatures.map(({ name, id }) => this.keys.findIndex((key) => key.name === name && key.id === id));
    if (places.includes(-1)) throw new BadNote("signed by a key that the header does not name");
    if (!found.signatures.some(({ name }) => found.origin === `${name}/sale/${this.header.sale}`)) {
      throw new BadNote("the checkpoint is of another log");
    }
    for (const place of places) this.used.add(/** @type {string} */ (this.header.keys[place]));
    return found;
  }

  // -- what it says ---------------------------------------------------------------------------------------------------

  /** All events replayed with the openings, after the openings themselves were held against the events.
   * @returns {Promise<Good>} */
  async replayed() {
    const commits = new Commits(this.header.sale, this.openings, this.lines.length);
    for (const [, line] of this.good()) commits.take(line);
    const { amounts, reserves } = commits.openAll(this.rules.openings === "losing");
    const told = (/** @type {number} */ done, /** @type {number} */ of) => done % 100 < 4 && this.tell("opened", done, of);
    const opened = await Opened.read(this.header.sale, this.rules, this.tender, told);
    const replay = new Replay(this.header.sale, this.rules, amounts, reserves, opened, this.documents);
    for (const [number, line] of this.good()) {
      feed(replay, number, line);
      if (number % STEP === 0) this.tell("replayed", number, this.lines.length);
    }
    at(this.eventsEnd, null, () => replay.finish());
    const unseen = [...replay.listing.keys()].filter((name) => !replay.lots.has(name)).sort();
    return {
      ok: true, sale: this.header.sale, events: this.tree.size, root: hex(this.tree.root()), lots: replay.lots.size,
      hidden: replay.hidden, hidden_lots: unseen, keys: this.header.keys, asked: this.root,
      envelopes: this.rules.tender && opened.envelopes.size,
    };
  }

  /** The first line up to this one that does not follow by the rules, as far as an unproved record can tell.
   * @param {number} until @returns {number | null} */
  replayFault(until) {
    /** @type {Map<number, number>} */
    const amounts = new Map();
    for (const [, line] of this.good()) if (line.kind === "bid") amounts.set(line.n, line.amount);
    const replay = new Replay(this.header.sale, this.rules, amounts, new Map(), null, this.documents);
    try {
      for (const [number, line] of this.good(until)) feed(replay, number, line);
    } catch (fault) {
      // Of two times in the wrong order either may be the altered one.
      if (fault instanceof Failed) return fault.rule === "time" ? null : fault.line;
      if (!(fault instanceof Undecided)) throw fault;
    }
    return null;
  }

  /** The lines that can be read, up to this one. @param {number} [until] @returns {[number, Line][]} */
  good(until = this.lines.length) {
    /** @type {[number, Line][]} */
    const found = [];
    this.lines.slice(0, until).forEach((line, k) => {
      if (!(line instanceof Error)) found.push([k + 1, line]);
    });
    return found;
  }
}

/** @param {import("./verify-sale-lines.js").Doc} doc */
function parsed(doc) {
  try {
    return parseRules(doc);
  } catch (fault) {
    throw fault instanceof Odd ? new BadLine("rules", fault.message) : fault;
  }
}

/** @param {import("./verify-sale-lines.js").Doc} doc */
function documentHash(doc) {
  return sha256(new TextEncoder().encode(canonical(doc)));
}

/** @param {Replay} replay @param {number} number @param {Line} line */
function feed(replay, number, line) {
  if (line.kind === "event" || line.kind === "leaf") at(number, line.n, () => replay.take(line));
}

/** What breaks a rule in here is told of this line. @param {number} number @param {number | null} n @param {() => void} act */
function at(number, n, act) {
  try {
    act();
  } catch (fault) {
    throw fault instanceof BadLine ? new Failed(number, n, fault.rule, fault.fact) : fault;
  }
}
