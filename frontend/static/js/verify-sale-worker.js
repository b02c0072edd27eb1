// @ts-check
// The verdict on a record beside the page, which stays free and hears how far it is.
import { verifySale } from "./verify-sale-record.js";

self.addEventListener("message", async ({ data: { file, kept } }) => {
  const tell = (/** @type {string} */ phase, /** @type {number} */ done, /** @type {number} */ of) => self.postMessage({ phase, done, of });
  const asked = (/** @type {string} */ sale) => kept[sale] ?? null;
  self.postMessage({ verdict: await verifySale(new Uint8Array(await file.arrayBuffer()), tell, asked) });
});
