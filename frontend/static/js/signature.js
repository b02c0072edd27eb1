// A signature drawn on the screen becomes the file that the form sends. Without a pen or a script a photograph does.

/** @param {HTMLCanvasElement} pad @param {HTMLInputElement} input @param {HTMLElement} acts */
function sign(pad, input, acts) {
  const pen = /** @type {CanvasRenderingContext2D} */ (pad.getContext("2d"));
  let last = /** @type {{ x: number, y: number } | null} */ (null);

  const wipe = () => {
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, pad.width, pad.height);
    pen.strokeStyle = "#000";
    pen.lineWidth = 3;
    pen.lineCap = "round";
  };
  const place = (/** @type {PointerEvent} */ event) => {
    const box = pad.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) * pad.width) / box.width,
      y: ((event.clientY - box.top) * pad.height) / box.height,
    };
  };
  const keep = () => {
    if (last === null) return;
    last = null;
    pad.toBlob((blob) => {
      if (blob === null) return;
      const files = new DataTransfer();
      files.items.add(new File([blob], "signature.png", { type: "image/png" }));
      input.files = files.files;
    }, "image/png");
  };

  pad.hidden = acts.hidden = false;
  wipe();
  pad.addEventListener("pointerdown", (event) => {
    pad.setPointerCapture(event.pointerId);
    last = place(event);
  });
  pad.addEventListener("pointermove", (event) => {
    if (last === null) return;
    const here = place(event);
    pen.beginPath();
    pen.moveTo(last.x, last.y);
    pen.lineTo(here.x, here.y);
    pen.stroke();
    last = here;
  });
  pad.addEventListener("pointerup", keep);
  pad.addEventListener("pointercancel", keep);
  acts.querySelector("[data-clear]")?.addEventListener("click", () => {
    wipe();
    input.value = "";
  });
}

const pad = document.querySelector("[data-signature] [data-pad]");
const input = document.querySelector("[data-signature] input[type=file]");
const acts = document.querySelector("[data-signature] [data-pad-acts]");
if (pad instanceof HTMLCanvasElement && input instanceof HTMLInputElement && acts instanceof HTMLElement) {
  sign(pad, input, acts);
}

// What was refused is where the reader is taken.
const refused = document.querySelector("main .notice.is-wrong, main [aria-invalid=true]");
if (refused instanceof HTMLElement) {
  if (refused.matches(".notice")) refused.tabIndex = -1;
  refused.focus();
}
