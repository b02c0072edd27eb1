// @ts-check
// What changed on a page is drawn together, in step with the picture and at most every so often: fifty events a second
// are ten drawings, and a key that is pressed never waits for more than one of them.

/** @typedef {{now: () => number, later: (ms: number, act: () => void) => void, frame: (act: () => void) => void, hidden: () => boolean,
 *   left: (act: () => void) => void}} Pace `left`: nobody looks any more */

/** @type {Pace} */
const PAGE = {
  now: () => performance.now(), later: (ms, act) => void setTimeout(act, ms), frame: (act) => void requestAnimationFrame(act),
  hidden: () => document.hidden, // nobody looks, and no picture is made to wait for
  left: (act) => document.addEventListener("visibilitychange", () => { if (document.hidden) act(); }),
};

export class Drawing {
  /** @param {(changed: Set<string>) => void} draw @param {number} leastMs between two drawings @param {Pace} [pace] */
  constructor(draw, leastMs, pace = PAGE) {
    this.draw = draw;
    this.leastMs = leastMs;
    this.pace = pace;
    this.drawnAt = -Infinity;
    this.due = false;
    /** @type {Set<string>} */
    this.changed = new Set();
    pace.left(() => this.now()); // the picture that was waited for does not come
  }

  /** @param {Iterable<string>} changed may be empty: something else is to be drawn */
  add(changed) {
    for (const one of changed) this.changed.add(one);
    if (this.due) return;
    this.due = true;
    const wait = this.drawnAt + this.leastMs - this.pace.now();
    if (wait > 0) this.pace.later(wait, () => this.whenSeen());
    else this.whenSeen();
  }

  whenSeen() {
    if (this.pace.hidden()) this.pace.later(0, () => this.now());
    else this.pace.frame(() => this.now());
  }

  now() {
    if (!this.due) return;
    const { changed } = this;
    this.changed = new Set();
    this.due = false;
    this.drawnAt = this.pace.now();
    this.draw(changed);
  }
}

/** Ten pictures a second are enough for whoever reads them. */
export const DRAW_MS = 100;

/** How often rows out of sight are told the time, for whoever reads the page without seeing it. */
export const ALL_MS = 10_000;

/** Which of many rows are on the screen or close to it: only there does a countdown have to run. Before the browser has
 * looked, all of them. */
export class Sight {
  /** @param {Map<string, Element>} rows @param {(id: string) => void} appeared */
  constructor(rows, appeared) {
    this.near = new Set(rows.keys());
    const ids = new Map([...rows].map(([id, row]) => [row, id]));
    const watcher = new IntersectionObserver((seen) => {
      for (const { target, isIntersecting } of seen) {
        const id = ids.get(target) ?? "";
        if (!isIntersecting) this.near.delete(id);
        else if (!this.near.has(id)) {
          this.near.add(id);
          appeared(id);
        }
      }
    }, { rootMargin: "50%" });
    for (const row of rows.values()) watcher.observe(row);
  }
}
