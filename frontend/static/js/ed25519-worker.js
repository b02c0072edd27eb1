// @ts-check
// One signature at a time, beside the page: the page stays free while the long numbers are multiplied.
import { verifies } from "./ed25519.js";

self.addEventListener("message", ({ data }) => {
  self.postMessage({ id: data.id, holds: verifies(data.key, data.signature, data.message) });
});
