// @ts-check
/** Sends files in parts, so that a cut line costs one part at most: what has arrived is not sent again. Without script the
 * browser sends the same form whole. */
import { missing, partsOf } from "./media-parts.js";

const ASKED = 50; // files of which one asks at once whether they are here
const TRIES = 5;
const WAIT_MS = 3000;

/** @typedef {{ name: string, size: number, sha256: string, file: File }} Picked */

/** @param {HTMLFormElement} form @returns {Promise<Picked[]>} */
async function picked(form) {
  const files = [...new FormData(form).getAll("file"), ...new FormData(form).getAll("folder")];
  const own = files.filter((one) => one instanceof File).filter((one) => one.size > 0);
  /** @type {Picked[]} */
  const found = [];
  for (const file of own) {
    const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
    const sha256 = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    found.push({ name: file.webkitRelativePath || file.name, size: file.size, sha256, file });
  }
  return found;
}

/** @param {Picked[]} files */
async function arrived(files) {
  /** @type {Set<string>} */
  const known = new Set();
  for (let start = 0; start < files.length; start += ASKED) {
    const asked = files.slice(start, start + ASKED).map((one) => `sha256=${one.sha256}`);
    const answer = await fetch(`/api/v1/media-files?${asked.join("&")}`);
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    for (const one of /** @type {{ known: string[] }} */ (await answer.json()).known) known.add(one);
  }
  return known;
}

/**
 * @param {string} action @param {Picked[]} part @param {(sent: number) => void} told bytes of this part
 * @returns {Promise<{ status: number, url: string }>}
 */
function sent(action, part, told) {
  return new Promise((done, failed) => {
    const body = new FormData();
    for (const one of part) body.append("file", one.file, one.name);
    const request = new XMLHttpRequest();
    request.upload.addEventListener("progress", (event) => told(event.loaded));
    request.addEventListener("load", () => done({ status: request.status, url: request.responseURL }));
    request.addEventListener("error", () => failed(new Error("cut")));
    request.open("POST", action);
    request.send(body);
  });
}

/** @param {string} action @param {Picked[]} part @param {(sent: number) => void} told */
async function insisting(action, part, told) {
  for (let tries = 1; ; tries += 1) {
    try {
      const answer = await sent(action, part, told);
      if (answer.status !== 429 || tries >= 10 * TRIES) return answer;
    } catch (fault) {
      if (tries >= TRIES) throw fault;
    }
    await new Promise((go) => setTimeout(go, WAIT_MS));
  }
}

/** @param {HTMLFormElement} form @param {(share: number) => void} told @returns {Promise<string | null>} where to go */
async function send(form, told) {
  const files = await picked(form);
  const resumes = form.hasAttribute("data-resumes");
  const known = resumes ? await arrived(files) : new Set();
  const whole = files.reduce((sum, one) => sum + one.size, 0) || 1;
  const parts = resumes ? partsOf(files) : [files];
  let done = 0;
  let where = form.action;
  for (const part of parts) {
    const rest = missing(part, known);
    if (rest.length) {
      const answer = await insisting(form.action, rest, (bytes) => told((done + bytes) / whole));
      if (answer.status !== 200 || answer.url === form.action) return null;
      where = parts.length > 1 ? form.action : answer.url;
    }
    done += part.reduce((sum, one) => sum + one.size, 0);
    told(done / whole);
  }
  return where;
}

/** @param {HTMLFormElement} form */
function wire(form) {
  const place = /** @type {HTMLElement | null} */ (form.querySelector("[data-sending]"));
  const cut = /** @type {HTMLElement | null} */ (form.querySelector("[data-cut]"));
  const bar = place?.querySelector("progress");
  const button = /** @type {HTMLButtonElement | null} */ (form.querySelector("button[type=submit]"));
  form.addEventListener("submit", async (event) => {
    if (!place || !bar || !crypto.subtle) return;
    event.preventDefault();
    if (button) button.disabled = true;
    place.hidden = false;
    if (cut) cut.hidden = true;
    try {
      const where = await send(form, (share) => (bar.value = 100 * Math.min(share, 1)));
      if (where) location.assign(where);
      else form.submit(); // refused: the browser shows the answer as it would have without us
    } catch {
      if (cut) cut.hidden = false;
      if (button) button.disabled = false;
    }
  });
}

for (const form of document.querySelectorAll("form[data-send]")) wire(/** @type {HTMLFormElement} */ (form));
