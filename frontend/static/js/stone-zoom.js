// @ts-check
/** Looking closer: the largest picture in a dialog, moved by drag or arrows, enlarged by wheel, pinch, keys or buttons.
 * Without script the link opens the picture itself.
 * @typedef {{scale: number, x: number, y: number}} View where the picture's middle is, and how large, 1 being whole
 */

export const MOST = 8;
const STEP = 1.5;

/** The view enlarged by a factor around a point (from the middle of the stage). Pure.
 * @param {View} view @param {number} factor @param {number} atX @param {number} atY @returns {View} */
export function zoomed(view, factor, atX = 0, atY = 0) {
  const scale = Math.min(MOST, Math.max(1, view.scale * factor));
  const share = scale / view.scale;
  if (scale === 1) return { scale, x: 0, y: 0 };
  return { scale, x: atX - (atX - view.x) * share, y: atY - (atY - view.y) * share };
}

/** The view moved, no further than the picture's edge comes to the middle of the stage. Pure.
 * @param {View} view @param {number} byX @param {number} byY @param {number} width @param {number} height
 * @returns {View} */
export function moved(view, byX, byY, width, height) {
  const far = (view.scale - 1) / 2;
  const held = (/** @type {number} */ at, /** @type {number} */ side) => Math.min(far * side, Math.max(-far * side, at));
  return { scale: view.scale, x: held(view.x + byX, width), y: held(view.y + byY, height) };
}

/** @param {HTMLDialogElement} dialog */
function wire(dialog) {
  const stage = /** @type {HTMLElement} */ (dialog.querySelector("[data-stage]"));
  const image = /** @type {HTMLImageElement} */ (stage.querySelector("img"));
  const told = /** @type {HTMLElement} */ (dialog.querySelector("[data-zoom-share]"));
  /** @type {View} */
  let view = { scale: 1, x: 0, y: 0 };
  /** @type {Map<number, PointerEvent>} */
  const fingers = new Map();

  const show = (/** @type {View} */ next) => {
    view = moved(next, 0, 0, stage.clientWidth, stage.clientHeight);
    image.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
    told.textContent = `${Math.round(view.scale * 100)} %`;
  };
  const middle = () => {
    const box = stage.getBoundingClientRect();
    return { x: box.left + box.width / 2, y: box.top + box.height / 2 };
  };
  const apart = () => {
    const [a, b] = [...fingers.values()];
    return a && b ? Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) : 0;
  };

  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[data-zoom]") : null;
    if (!(link instanceof HTMLAnchorElement) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    image.src = link.href;
    image.alt = link.querySelector("img")?.alt ?? "";
    dialog.showModal();
    show({ scale: 1, x: 0, y: 0 });
  });
  dialog.addEventListener("close", () => image.removeAttribute("src"));
  dialog.querySelector("[data-zoom-close]")?.addEventListener("click", () => dialog.close());
  for (const button of dialog.querySelectorAll("[data-zoom-by]")) {
    button.addEventListener("click", () => {
      const by = Number(button.getAttribute("data-zoom-by"));
      show(by === 0 ? { scale: 1, x: 0, y: 0 } : zoomed(view, by > 0 ? STEP : 1 / STEP));
    });
  }
  stage.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const at = middle();
      show(zoomed(view, Math.exp(-event.deltaY / 400), event.clientX - at.x, event.clientY - at.y));
    },
    { passive: false },
  );
  stage.addEventListener("pointerdown", (event) => {
    stage.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, event);
  });
  stage.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const wide = apart();
    fingers.set(event.pointerId, event);
    if (fingers.size === 2 && wide > 0) {
      const [a, b] = [...fingers.values()];
      const at = middle();
      if (a && b) show(zoomed(view, apart() / wide, (a.clientX + b.clientX) / 2 - at.x, (a.clientY + b.clientY) / 2 - at.y));
    } else if (fingers.size === 1) {
      const by = { x: event.clientX - before.clientX, y: event.clientY - before.clientY };
      show(moved(view, by.x, by.y, stage.clientWidth, stage.clientHeight));
    }
  });
  for (const end of ["pointerup", "pointercancel"]) {
    stage.addEventListener(end, (event) => fingers.delete(/** @type {PointerEvent} */ (event).pointerId));
  }
  dialog.addEventListener("keydown", (event) => {
    const ways = /** @type {Record<string, [number, number]>} */ ({
      ArrowLeft: [60, 0],
      ArrowRight: [-60, 0],
      ArrowUp: [0, 60],
      ArrowDown: [0, -60],
    });
    const way = ways[event.key];
    if (way) show(moved(view, way[0], way[1], stage.clientWidth, stage.clientHeight));
    else if (event.key === "+" || event.key === "=") show(zoomed(view, STEP));
    else if (event.key === "-") show(zoomed(view, 1 / STEP));
    else if (event.key === "0") show({ scale: 1, x: 0, y: 0 });
    else return;
    event.preventDefault();
  });
}

if (typeof document !== "undefined") {
  const dialog = document.getElementById("closer");
  if (dialog instanceof HTMLDialogElement) wire(dialog);
}
