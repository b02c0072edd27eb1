// @ts-check
/** The board of an office's day: it keeps itself current, and visits move by drag or by keys. A move is shown first, by
 * the same checks that decide it; without this module the same form stands on the page of the visit. */
import { say } from "./words.js";
import { clockIn } from "./zones.js";

export const STEP_MS = 300_000;
const ASK_MS = 8_000;
const FIRST_ROW = 2;

/** @typedef {{column: number, row: number}} Place */
/** @typedef {{columns: number, rows: number, span: number}} Room */

/** Where an arrow leads: a quarter of an hour up or down, with Shift five minutes; a desk left or right. Null for other
 * keys. Pure. @param {Place} at @param {string} key @param {boolean} fine @param {Room} room @returns {Place | null} */
export function stepped(at, key, fine, room) {
  const far = fine ? 1 : 3;
  const moves = /** @type {Record<string, [number, number]>} */ ({
    ArrowUp: [0, -far], ArrowDown: [0, far], ArrowLeft: [-1, 0], ArrowRight: [1, 0],
  });
  const move = moves[key];
  return move ? kept({ column: at.column + move[0], row: at.row + move[1] }, room) : null;
}

/** The nearest place within the board. Pure. @param {Place} at @param {Room} room @returns {Place} */
export function kept(at, room) {
  const last = Math.max(FIRST_ROW, FIRST_ROW + room.rows - room.span);
  return {
    column: Math.min(Math.max(at.column, 1), room.columns),
    row: Math.min(Math.max(at.row, FIRST_ROW), last),
  };
}

/** The row under a point so far down the board, on the quarter hour. Pure.
 * @param {number} down pixels below the first row @param {number} height of a row @returns {number} */
export function rowAt(down, height) {
  return FIRST_ROW + Math.max(0, Math.round(down / height / 3) * 3);
}

/** The instant at which a row begins. Pure. @param {number} begins @param {number} row */
export function instantOf(begins, row) {
  return begins + (row - FIRST_ROW) * STEP_MS;
}

/** The date and the clock that the office reads at an instant. @param {number} ms @param {string} zone */
export function wallOf(ms, zone) {
  const day = new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" }).format(ms);
  return { day, clock: clockIn(ms, zone).slice(0, 5) };
}

class Board {
  /** @param {HTMLElement} place */
  constructor(place) {
    this.place = place;
    this.tag = "";
    /** @type {HTMLElement | null} */
    this.taken = null;
    /** @type {Place} */
    this.aim = { column: 1, row: FIRST_ROW };
    this.dialog = /** @type {HTMLDialogElement} */ (document.querySelector("[data-move-dialog]"));
    place.addEventListener("keydown", (event) => this.onKey(event));
    place.addEventListener("dragstart", (event) => this.onDragStart(event));
    place.addEventListener("dragover", (event) => this.onDragOver(event));
    place.addEventListener("drop", (event) => this.onDrop(event));
    place.addEventListener("dragend", () => this.leave());
    this.dialog.addEventListener("submit", (event) => void this.onSubmit(event));
    this.dialog.addEventListener("click", (event) => {
      if (event.target instanceof Element && event.target.closest("[data-close]")) this.dialog.close();
    });
    this.dialog.addEventListener("close", () => this.leave());
    setInterval(() => void this.ask(), ASK_MS);
    document.addEventListener("visibilitychange", () => { if (!document.hidden) void this.ask(); });
    this.unfold();
  }

  get grid() {
    return /** @type {HTMLElement} */ (this.place.querySelector("[data-grid]"));
  }

  /** What needs a script is offered by the script. */
  unfold() {
    for (const part of this.place.querySelectorAll("[data-keys]")) /** @type {HTMLElement} */ (part).hidden = false;
  }

  /** The board anew, if anything on it has changed; never under somebody's hands. */
  async ask() {
    if (this.taken || this.dialog.open || document.hidden) return;
    let answer;
    try {
      answer = await fetch(location.pathname, { headers: { "hx-request": "true", ...(this.tag ? { "if-none-match": this.tag } : {}) }, cache: "no-store" });
    } catch {
      return; // without a line the board stays as it is, and is asked for again
    }
    if (answer.redirected) { location.reload(); return; } // signed out meanwhile: the sign-in, not a board that stands still
    if (answer.status !== 200 || this.taken || this.dialog.open) return;
    const first = this.tag === "";
    this.tag = answer.headers.get("etag") ?? "";
    const text = await answer.text();
    if (first && text.trim() === this.place.innerHTML.trim()) return;
    const focused = document.activeElement instanceof HTMLElement && this.place.contains(document.activeElement) ? document.activeElement.id : "";
    const scroll = this.place.querySelector(".day-scroll")?.scrollLeft ?? 0;
    this.place.replaceChildren(document.createRange().createContextualFragment(text));
    this.unfold();
    const scrolled = this.place.querySelector(".day-scroll");
    if (scrolled) scrolled.scrollLeft = scroll;
    if (focused) document.getElementById(focused)?.focus();
  }

  /** @param {HTMLElement} visit @returns {Room} */
  room(visit) {
    const grid = this.grid;
    return { columns: grid.querySelectorAll("[data-desk]").length, rows: Number(grid.dataset["rows"]), span: Number(visit.dataset["span"]) };
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const visit = event.target instanceof Element ? /** @type {HTMLElement | null} */ (event.target.closest("[data-movable]")) : null;
    if (!visit || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!this.taken) {
      if (event.key.toLowerCase() !== "m") return;
      event.preventDefault();
      this.take(visit);
      return;
    }
    if (event.key === "Escape") { event.preventDefault(); this.leave(); tell(say("Left where it was.")); return; }
    if (event.key === "Enter") { event.preventDefault(); void this.propose(); return; }
    const next = stepped(this.aim, event.key, event.shiftKey, this.room(visit));
    if (!next) return;
    event.preventDefault();
    this.aim = next;
    this.draw();
    tell(this.words());
  }

  /** @param {HTMLElement} visit */
  take(visit) {
    this.taken = visit;
    this.aim = { column: Number(visit.dataset["column"]), row: Number(visit.dataset["row"]) };
    visit.classList.add("is-taken");
    this.draw();
    tell(say("Taken up. Arrows move it, Enter shows what would happen, Escape leaves it."));
  }

  leave() {
    this.taken?.classList.remove("is-taken");
    this.taken = null;
    this.place.querySelector(".day-ghost")?.remove();
  }

  words() {
    const desk = this.grid.querySelectorAll("[data-desk]")[this.aim.column - 1]?.firstChild?.textContent?.trim() ?? "";
    return `${desk}, ${clockIn(this.startMs(), this.grid.dataset["zone"] ?? "UTC").slice(0, 5)}`;
  }

  startMs() {
    return instantOf(Number(this.grid.dataset["begins"]), this.aim.row);
  }

  draw() {
    if (!this.taken) return;
    let ghost = this.place.querySelector(".day-ghost");
    if (!ghost) {
      ghost = document.createElement("div");
      this.grid.append(ghost);
    }
    ghost.className = `day-ghost c${this.aim.column} r${this.aim.row} n${this.taken.dataset["span"]}`;
    ghost.textContent = this.words();
    ghost.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  /** @param {DragEvent} event */
  onDragStart(event) {
    const visit = event.target instanceof Element ? /** @type {HTMLElement | null} */ (event.target.closest("[data-movable]")) : null;
    if (!visit) return;
    event.dataTransfer?.setData("text/plain", visit.dataset["visit"] ?? "");
    this.take(visit);
    this.held = event.clientY - visit.getBoundingClientRect().top; // where the hand holds it
  }

  /** @param {DragEvent} event */
  onDragOver(event) {
    if (!this.taken || !this.grid.contains(/** @type {Node} */ (event.target))) return;
    event.preventDefault();
    const desks = [.../** @type {NodeListOf<HTMLElement>} */ (this.grid.querySelectorAll("[data-desk]"))];
    const over = desks.findIndex((desk) => event.clientX < desk.getBoundingClientRect().right);
    const [first, second] = this.grid.querySelectorAll(".hour");
    if (!first) return;
    const top = first.getBoundingClientRect().top;
    const height = second ? (second.getBoundingClientRect().top - top) / 12 : first.getBoundingClientRect().height / 12;
    const aim = { column: over < 0 ? desks.length : over + 1, row: rowAt(event.clientY - (this.held ?? 0) - top, height) };
    this.aim = kept(aim, this.room(this.taken));
    this.draw();
  }

  /** @param {DragEvent} event */
  onDrop(event) {
    if (!this.taken) return;
    event.preventDefault();
    void this.propose();
  }

  /** Asks what would happen, and shows the answer with the form that does it. */
  async propose() {
    const visit = this.taken;
    if (!visit) return;
    const grid = this.grid;
    const wall = wallOf(this.startMs(), grid.dataset["zone"] ?? "UTC");
    const desk = /** @type {HTMLElement} */ (grid.querySelectorAll("[data-desk]")[this.aim.column - 1]).dataset["desk"] ?? "";
    const said = new URLSearchParams({ act: "preview", desk, day: wall.day, clock: wall.clock, version: visit.dataset["version"] ?? "0" });
    await this.show(`/staff/viewings/${this.place.dataset["office"]}/appointments/${visit.dataset["visit"]}/move`, said);
  }

  /** @param {string} address @param {URLSearchParams} said */
  async show(address, said) {
    let answer;
    try {
      answer = await fetch(address, { method: "POST", body: said, headers: { "hx-request": "true", accept: "text/html" } });
    } catch {
      tell(say("No line. Nothing was moved."));
      this.leave();
      return;
    }
    if (answer.redirected) {
      location.assign(answer.url);
      if (new URL(answer.url).pathname === location.pathname) location.reload();
      return;
    }
    this.dialog.replaceChildren(document.createRange().createContextualFragment(await answer.text()));
    for (const part of this.dialog.querySelectorAll("[data-close]")) /** @type {HTMLElement} */ (part).hidden = false;
    if (!this.dialog.open) this.dialog.showModal();
    /** @type {HTMLElement | null} */ (this.dialog.querySelector("[data-refusal]") ?? this.dialog.querySelector("button[value='move']"))?.focus();
  }

  /** @param {SubmitEvent} event */
  async onSubmit(event) {
    const form = /** @type {HTMLFormElement} */ (event.target);
    const button = /** @type {HTMLButtonElement | null} */ (event.submitter);
    event.preventDefault();
    const said = new URLSearchParams(/** @type {any} */ (new FormData(form)));
    if (button?.name) said.set(button.name, button.value);
    await this.show(form.action, said);
  }
}

/** @param {string} words */
function tell(words) {
  const region = document.querySelector("[data-announce='polite']");
  if (region) region.textContent = words;
}

if (typeof document !== "undefined") {
  for (const button of document.querySelectorAll("[data-print]")) {
    /** @type {HTMLElement} */ (button).hidden = false;
    button.addEventListener("click", () => print());
  }
  const place = document.querySelector("[data-board]");
  if (place instanceof HTMLElement) new Board(place);
  /** @type {HTMLElement | null} */ (document.querySelector("[data-refusal]"))?.focus();
}
