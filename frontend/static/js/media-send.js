// @ts-check
/** Shows how much of the files is sent; without script the browser sends the same form itself. */

/** @param {HTMLFormElement} form */
function wire(form) {
  const place = /** @type {HTMLElement | null} */ (form.querySelector("[data-sending]"));
  const bar = place?.querySelector("progress");
  form.addEventListener("submit", (event) => {
    if (!place || !bar) return;
    event.preventDefault();
    const request = new XMLHttpRequest();
    const button = /** @type {HTMLButtonElement | null} */ (form.querySelector("button[type=submit]"));
    if (button) button.disabled = true;
    place.hidden = false;
    request.upload.addEventListener("progress", (sent) => {
      if (sent.lengthComputable) bar.value = (100 * sent.loaded) / sent.total;
    });
    request.addEventListener("load", () => {
      if (request.status === 200 && request.responseURL !== form.action) location.assign(request.responseURL);
      else form.submit(); // refused: the browser shows the answer as it would have without us
    });
    request.addEventListener("error", () => form.submit());
    request.open("POST", form.action);
    request.send(new FormData(form));
  });
}

for (const form of document.querySelectorAll("form[data-send]")) wire(/** @type {HTMLFormElement} */ (form));
