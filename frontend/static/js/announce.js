// @ts-check
// What is said aloud: two live regions that stand in the page from the start. Urgent words at once; prices and
// extensions at most one per lot in three seconds, the latest of them.

export const QUIET_MS = 3_000;
const KEPT_MS = 15_000;

/** @typedef {{append(text: string): void}} Region */

export class Announcer {
  /** @param {{assertive: Region, polite: Region, monotonic: () => number, later: (ms: number, act: () => void) => void}} ports */
  constructor(ports) {
    this.ports = ports;
    /** @type {Map<string, number>} */
    this.saidAt = new Map();
    /** @type {Map<string, string>} */
    this.waiting = new Map();
  }

  /** At once. @param {string} text */
  urgent(text) {
    this.ports.assertive.append(text);
  }

  /** In good time, never more than one of a lot within three seconds. @param {string} lot @param {string} text */
  calm(lot, text) {
    const now = this.ports.monotonic();
    const free = (this.saidAt.get(lot) ?? -Infinity) + QUIET_MS;
    if (this.waiting.has(lot)) { this.waiting.set(lot, text); return; }
    if (now >= free) { this.speak(lot, text); return; }
    this.waiting.set(lot, text);
    this.ports.later(free - now, () => {
      const latest = this.waiting.get(lot);
      this.waiting.delete(lot);
      if (latest !== undefined) this.speak(lot, latest);
    });
  }

  /** @param {string} lot @param {string} text */
  speak(lot, text) {
    this.saidAt.set(lot, this.ports.monotonic());
    this.ports.polite.append(text);
  }
}

/** A region of the page: each sentence is a paragraph of its own and goes when it has been read.
 * @param {Element} element @returns {Region} */
export function region(element) {
  return {
    append(text) {
      const line = document.createElement("p");
      line.textContent = text;
      element.append(line);
      setTimeout(() => line.remove(), KEPT_MS);
    },
  };
}
