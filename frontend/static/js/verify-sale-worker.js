// @ts-check
// The verdict on a record beside the page, which stays free and hears how far it is.
import { verifySale } from "./verify-sale-record.js";

self.addEventListener("message", async ({ data: { id, file, kept } }) => {
  const tell = (/** @type {string} */ phase, /** @type {number} */ done, /** @type {number} */ of) => self.postMessage({ id, phase, done, of });
  const asked = (/** @type {string} */ sale) => kept[sale] ?? null;
  try {
    self.postMessage({ id, verdict: await verifySale(new Uint8Array(await file.arrayBuffer()), tell, asked) });
  } catch (fault) {
    self.postMessage({ id, fault: String(fault) });
  }
});
