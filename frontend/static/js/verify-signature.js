// @ts-check
// Whether an Ed25519 signature holds: by the browser's own cryptography where it knows the curve, else by our module,
// in a worker where there are workers.
import { verifies } from "./ed25519.js";

/** @typedef {(key: Uint8Array, signature: Uint8Array, data: Uint8Array) => Promise<boolean>} Holds */

/** @type {Promise<Holds> | null} */
let found = null;

/** Whatever is needed is fetched now: later the network may be cut. */
export function prepare() {
  found ??= choose();
}

/** @type {Holds} */
export async function holds(key, signature, data) {
  if (key.length !== 32 || signature.length !== 64) return false;
  prepare();
  return (await /** @type {Promise<Holds>} */ (found))(key, signature, data);
}

/** @param {SubtleCrypto | undefined} subtle @returns {Promise<Holds>} */
export async function choose(subtle = globalThis.crypto?.subtle) {
  try {
    if (subtle && (await native(subtle)(PROBE.key, PROBE.signature, new Uint8Array()))) return native(subtle);
  } catch {
    // the browser does not know Ed25519
  }
  return typeof Worker === "undefined" ? beside : inWorker();
}

/** @type {Holds} */
const beside = async (key, signature, data) => verifies(key, signature, data);

/** @param {SubtleCrypto} subtle @returns {Holds} */
function native(subtle) {
  /** @type {Map<string, Promise<CryptoKey>>} one record has thousands of signatures by one key */
  const imported = new Map();
  return async (key, signature, data) => {
    const name = key.join();
    if (!imported.has(name)) imported.set(name, subtle.importKey("raw", buffer(key), { name: "Ed25519" }, false, ["verify"]));
    const ready = await /** @type {Promise<CryptoKey>} */ (imported.get(name));
    return subtle.verify({ name: "Ed25519" }, ready, buffer(signature), buffer(data));
  };
}

/** @returns {Holds} */
function inWorker() {
  /** @type {Map<number, {answer: (holds: boolean) => void, again: () => void}>} */
  const waiting = new Map();
  const worker = new Worker(new URL("./ed25519-worker.js", import.meta.url), { type: "module" });
  worker.addEventListener("message", ({ data }) => {
    waiting.get(data.id)?.answer(data.holds);
    waiting.delete(data.id);
  });
  worker.addEventListener("error", () => { // no worker after all: the page does it itself
    for (const [id, one] of waiting) {
      one.again();
      waiting.delete(id);
    }
    found = Promise.resolve(beside);
  });
  let last = 0;
  return (key, signature, message) => new Promise((answer) => {
    const id = (last += 1);
    waiting.set(id, { answer, again: () => answer(verifies(key, signature, message)) });
    worker.postMessage({ id, key, signature, message });
  });
}

/** A view may be part of a larger buffer; the platform wants one of its own. @param {Uint8Array} bytes */
function buffer(bytes) {
  return new Uint8Array(bytes).buffer;
}

/** The first vector of RFC 8032. */
const PROBE = {
  key: fromHex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
  signature: fromHex(
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ),
};

/** @param {string} text */
function fromHex(text) {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}
