// A signature drawn on the screen becomes the file that the form sends. Without a pen or a script a photograph does.
const field = document.querySelector("[data-signature]");
const pad = field?.querySelector("[data-pad]");
const input = field?.querySelector("input[type=file]");

if (pad instanceof HTMLCanvasElement && input instanceof HTMLInputElement && "DataTransfer" in window) {
  const pen = /** @type {CanvasRenderingContext2D} */ (pad.getContext("2d"));
  const acts = /** @type {HTMLElement} */ (field?.querySelector("[data-pad-acts]"));
  let last = /** @type {{ x: number, y: number } | null} */ (null);
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
  for (const end of ["pointerup", "pointercancel"]) pad.addEventListener(end, keep);
  acts.querySelector("[data-clear]")?.addEventListener("click", () => {
    wipe();
    input.value = "";
  });

  function wipe() {
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, pad.width, pad.height);
    pen.strokeStyle = "#000";
    pen.lineWidth = 3;
    pen.lineCap = "round";
  }

  function place(/** @type {PointerEvent} */ event) {
    const box = pad.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) * pad.width) / box.width,
      y: ((event.clientY - box.top) * pad.height) / box.height,
    };
  }

  function keep() {
    if (last === null) return;
    last = null;
    pad.toBlob((blob) => {
      if (blob === null) return;
      const files = new DataTransfer();
      files.items.add(new File([blob], "signature.png", { type: "image/png" }));
      input.files = files.files;
    }, "image/png");
  }
}
