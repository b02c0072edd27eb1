// @ts-check
// The record of a finished sale on the page `/verify`: checked in this browser, and no verdict asked of any house.
import { parse } from "./checkpoints.js";
import { fromBase64, hex } from "./verify-forms.js";
import { verifySale } from "./verify-sale-record.js";
import { say, sentence } from "./words.js";

/** @typedef {import("./verify-sale-record.js").Good} Good */
/** @typedef {import("./verify-sale-record.js").Bad} Bad */
/** @typedef {import("./verify-sale-record.js").Open} Open */
/** @typedef {import("./verify-report.js").Line} Line */
/** @typedef {{lines: Line[], exit: 0 | 1 | 2 | 3, told: string}} Told */

export const MOST_RECORD = 512 * 1024 * 1024;
const ADDRESS = /^\/sales\/[0-9A-Za-z_-]{1,40}\/record\.jsonl$/;
const KEPT = "pavilion.checkpoint.";
const PHASES = /** @type {const} */ ({ read: [0, 40], signed: [40, 30], opened: [70, 15], replayed: [85, 15] }); // where each begins, its share

/** The checker itself could not do its work; that says nothing of the file. */
export class Broken extends Error {}

/** Whether this file is a record rather than a passport. @param {Blob & {name?: string}} file */
export async function isRecord(file) {
  if (file.name?.endsWith(".jsonl")) return true;
  return (await file.slice(0, 9).text()) === '{"keys":[';
}

/** The address of a record that the page was asked to check, on this house only. @param {string} search */
export function recordAsked(search) {
  const asked = new URLSearchParams(search).get("record");
  return asked !== null && ADDRESS.test(asked) ? asked : null;
}

/** @param {Blob} file @param {string} saleKey of this house @param {(percent: number) => void} progress @param {Storage} [store]
 * @returns {Promise<Told>} */
export async function recordReport(file, saleKey, progress, store = localStorage) {
  if (file.size > MOST_RECORD) return { lines: [], exit: 3, told: say("longer than this page reads: use the command") };
  const kept = keptBy(store);
  const sizes = Object.fromEntries(Object.entries(kept).map(([sale, one]) => [sale, one.size]));
  const verdict = await inWorker(file, sizes, progress);
  if (verdict.ok === null) return { lines: [], exit: verdict.why === "undecided" ? 2 : 3, told: verdict.fact };
  if (!verdict.ok) return failed(verdict);
  return passed(verdict, saleKey, kept[verdict.sale] ?? null);
}

/** @typedef {{hear: (data: any) => void, again: () => void}} Waiting */
/** @type {Worker | null} */
let worker = null;
/** Whether a worker could not be loaded. */
let alone = false;
let last = 0;
/** @type {Map<number, Waiting>} */
const waiting = new Map();

/** The checker beside the page is started with the page: later the network may be cut. */
export function prepareRecords() {
  if (worker || alone) return;
  worker = new Worker(new URL("./verify-sale-worker.js", import.meta.url), { type: "module" });
  worker.addEventListener("message", ({ data }) => waiting.get(data.id)?.hear(data));
  worker.addEventListener("error", () => { // no checker beside the page after all: the page does it itself
    [worker, alone] = [null, true];
    for (const one of waiting.values()) one.again();
  });
}

/** @param {Blob} file @param {Record<string, number>} kept @param {(percent: number) => void} progress
 * @returns {Promise<Good | Bad | Open>} */
function inWorker(file, kept, progress) {
  prepareRecords();
  const tell = (/** @type {keyof typeof PHASES} */ phase, /** @type {number} */ done, /** @type {number} */ of) => {
    const [from, share] = PHASES[phase];
    progress(Math.floor(from + (share * done) / of));
  };
  const here = async () => {
    try {
      return await verifySale(new Uint8Array(await file.arrayBuffer()), tell, (sale) => kept[sale] ?? null);
    } catch (fault) {
      throw new Broken(String(fault));
    }
  };
  if (!worker) return here();
  const id = (last += 1);
  /** @type {Promise<Good | Bad | Open>} */
  const told = new Promise((answer, fail) => {
    waiting.set(id, {
      hear: (data) => {
        if (data.phase) tell(data.phase, data.done, data.of);
        else if (data.verdict) answer(data.verdict);
        else fail(new Broken(data.fault));
      },
      again: () => answer(here()),
    });
    worker?.postMessage({ id, file, kept });
  });
  return told.finally(() => waiting.delete(id));
}

/** The checkpoints that this browser kept while it watched. @param {Storage} store */
function keptBy(store) {
  /** @type {Record<string, import("./checkpoints.js").Checkpoint>} */
  const found = {};
  for (let k = 0; k < store.length; k += 1) {
    const name = store.key(k) ?? "";
    const one = name.startsWith(KEPT) ? parse(store.getItem(name)) : null;
    if (one) found[name.slice(KEPT.length)] = one;
  }
  return found;
}

/** @param {Bad} verdict @returns {Told} */
function failed({ line, n, rule, fact }) {
  const place = n === null ? say("line %(line)s", { line }) : say("line %(line)s, event %(n)s", { line, n });
  return {
    exit: 1,
    told: `failed: line ${line}, n ${n ?? "-"}: ${rule}: ${fact}`,
    lines: [{ state: "FAIL", name: "RECORD", fact: `${place}: ${sentence(`record_${rule}`)}` }],
  };
}

/** @param {Good} good @param {string} saleKey @param {import("./checkpoints.js").Checkpoint | null} kept @returns {Told} */
function passed(good, saleKey, kept) {
  const ours = saleKey !== "" && good.keys.includes(saleKey);
  /** @type {Line[]} */
  const lines = [
    { state: "ok", name: "SIGNED", fact: say("%(events)s events in one tree, every checkpoint signed by %(keys)s", { events: good.events, keys: good.keys.join(" ") }) },
    ours
      ? { state: "ok", name: "KEYS", fact: say("the key with which this house signs its sales") }
      : { state: "note", name: "KEYS", fact: say("not a key of this house: compare it with what the other house has published") },
    { state: "ok", name: "OPENED", fact: say("every opened amount is the one that was committed to, and none that is due is missing") },
    { state: "ok", name: "REPLAYED", fact: say("prices, ends, refusals and results of %(lots)s lots follow from the rules", { lots: good.lots }) },
  ];
  if (good.envelopes !== null) {
    lines.push(
      { state: "ok", name: "OPENED", fact: say("%(count)s sealed bids held against the custodians' shares; every share is the one that its bidder promised", { count: good.envelopes }) },
      { state: "ok", name: "REPLAYED", fact: say("totals, ranks, results and prices of %(lots)s lots follow from the sealed bids and the rules", { lots: good.lots }) },
      { state: "skip", name: "NOT_INSIDE", fact: say("buying limits, by which the house passes over a higher bid; shares of custodians that were kept back") },
    );
  }
  if (good.hidden) { // lots that came after the publication are named nowhere
    lines.push({ state: "note", name: "HIDDEN", fact: say("%(count)s events of lots not shown now are given as hashes only: they passed and may still be sold by hand, or the origin of their stone is not confirmed", { count: good.hidden }) });
  }
  const seen = kept && kept.size <= good.events ? good.asked : null;
  const forked = kept !== null && (kept.size > good.events || (seen !== null && seen !== hex(fromBase64(kept.root))));
  if (forked) lines.push({ state: "FAIL", name: "WATCHED", fact: say("this browser kept a checkpoint of this sale that does not fit: another story was shown here") });
  else if (seen !== null) lines.push({ state: "ok", name: "WATCHED", fact: say("the last checkpoint that this browser kept while it watched stands in it") });
  lines.push({ state: "skip", name: "NOT_INSIDE", fact: say("bids that never reached the house, identities, limits, viewings, eligibility, stamps of the edges") });
  return { lines, exit: forked ? 1 : 0, told: `ok: ${good.events} events, root ${good.root}` };
}
