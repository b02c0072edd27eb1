// @ts-check
/** A turn of the stone by hand: drag, arrows, buttons; "Turn once" goes round one time and stands. Who wants no motion,
 * or has no script, sees eight sides in a row. */

const PER_SHEET = 36;
const ROW = 6;
const TURN_MS = 6000;

/** The frame that comes by so many frames after this one, round and round. Pure.
 * @param {number} frame @param {number} by @param {number} frames */
export function turned(frame, by, frames) {
  return (((frame + by) % frames) + frames) % frames;
}

/** Where a frame lies: its sheet, its column and its row. Pure.
 * @param {number} frame */
export function place(frame) {
  const at = frame % PER_SHEET;
  return { sheet: Math.floor(frame / PER_SHEET), column: at % ROW, row: Math.floor(at / ROW) };
}

/** @param {HTMLElement} figure */
function wire(figure) {
  const canvas = figure.querySelector("canvas");
  const stage = /** @type {HTMLElement | null} */ (figure.querySelector("[data-stage]"));
  const controls = /** @type {HTMLElement | null} */ (figure.querySelector("[data-controls]"));
  const stills = /** @type {HTMLElement | null} */ (figure.querySelector("[data-stills]"));
  const brush = canvas?.getContext("2d");
  if (!canvas || !brush || !stage || !controls || !stills) return;
  const frames = Number(figure.dataset.frames);
  const [width, height] = [Number(figure.dataset.width), Number(figure.dataset.height)];
  /** @type {Map<number, HTMLImageElement>} */
  const sheets = new Map();
  let frame = 0;
  let playing = 0;

  const sheetOf = (/** @type {number} */ number) => {
    let sheet = sheets.get(number);
    if (!sheet) {
      sheet = new Image();
      sheet.addEventListener("load", () => show(frame));
      sheet.src = `${figure.dataset.sheets}${String(number).padStart(2, "0")}.webp`;
      sheets.set(number, sheet);
    }
    return sheet;
  };
  const show = (/** @type {number} */ next) => {
    frame = next;
    const at = place(frame);
    const sheet = sheetOf(at.sheet);
    if (sheet.complete && sheet.naturalWidth) {
      brush.drawImage(sheet, at.column * width, at.row * height, width, height, 0, 0, width, height);
    }
    canvas.setAttribute("aria-valuenow", String(frame + 1));
    canvas.setAttribute("aria-valuetext", `${Math.round((frame * 360) / frames)}°`);
  };
  const stop = () => {
    cancelAnimationFrame(playing);
    playing = 0;
  };
  const step = (/** @type {number} */ by) => {
    stop();
    show(turned(frame, by, frames));
  };
  const play = () => {
    if (playing) return stop();
    const from = frame;
    const begun = performance.now();
    const on = (/** @type {number} */ now) => {
      const gone = Math.floor(((now - begun) / TURN_MS) * frames);
      show(turned(from, Math.min(gone, frames), frames));
      playing = gone < frames ? requestAnimationFrame(on) : 0;
    };
    playing = requestAnimationFrame(on);
  };

  figure.querySelector("[data-back]")?.addEventListener("click", () => step(-1));
  figure.querySelector("[data-next]")?.addEventListener("click", () => step(1));
  figure.querySelector("[data-play]")?.addEventListener("click", play);
  canvas.addEventListener("keydown", (event) => {
    const ways = /** @type {Record<string, number>} */ ({ ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 });
    const far = /** @type {Record<string, number>} */ ({ PageUp: Math.ceil(frames / 8), PageDown: -Math.ceil(frames / 8) });
    const by = ways[event.key] ?? far[event.key];
    if (by !== undefined) step(by);
    else if (event.key === "Home") step(-frame);
    else if (event.key === "End") step(frames - 1 - frame);
    else return;
    event.preventDefault();
  });
  let heldAt = NaN;
  let heldFrame = 0;
  canvas.addEventListener("pointerdown", (event) => {
    stop();
    canvas.setPointerCapture(event.pointerId);
    [heldAt, heldFrame] = [event.clientX, frame];
  });
  canvas.addEventListener("pointermove", (event) => {
    if (Number.isNaN(heldAt)) return;
    const by = Math.round(((event.clientX - heldAt) / canvas.clientWidth) * frames);
    show(turned(heldFrame, by, frames));
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (heldAt = NaN));

  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const suit = () => {
    stop();
    stage.hidden = controls.hidden = calm.matches;
    stills.hidden = !calm.matches;
    if (!calm.matches) show(frame);
  };
  calm.addEventListener("change", suit);
  suit();
}

if (typeof document !== "undefined") {
  for (const figure of document.querySelectorAll("[data-spin]")) wire(/** @type {HTMLElement} */ (figure));
}
