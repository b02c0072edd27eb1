// @ts-check
/** A price that is typed or moved shows its position at once; the server reckons it, as it does without script. */

const PAUSE_MS = 180;

/** The address of the page at this price. @param {string} action @param {string} price */
export function tried(action, price) {
  const wanted = price.trim();
  return wanted ? `${action}?ppc=${encodeURIComponent(wanted)}` : action;
}

/** A typed price as the slider stands: whole units of the currency, or nothing. @param {string} typed */
export function whole(typed) {
  const bare = typed.replace(/[ ,'\u00a0\u202f’]/g, "");
  return /^[0-9]{1,15}(\.[0-9]{1,3})?$/.test(bare) ? bare.split(".")[0] : "";
}

/** @param {HTMLFormElement} form @param {HTMLElement} place */
function wire(form, place) {
  const field = form.elements.namedItem("ppc");
  const slide = form.querySelector("[data-slide]");
  if (!(field instanceof HTMLInputElement)) return;
  let waiting = 0;
  let asked = 0;
  const show = async () => {
    const mine = ++asked;
    const answer = await fetch(tried(form.action, field.value), { headers: { "hx-request": "true" } }).catch(() => null);
    if (mine !== asked) return true;
    field.toggleAttribute("aria-invalid", answer?.status === 422);
    if (answer?.ok) {
      field.closest(".field")?.classList.remove("is-wrong"); // what the page itself said of the price before
      field.closest(".field")?.querySelector(".hint")?.remove();
      field.removeAttribute("aria-describedby");
      place.innerHTML = await answer.text();
    }
    return answer?.ok ?? false;
  };
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(show, PAUSE_MS);
  };
  field.addEventListener("input", () => {
    if (slide instanceof HTMLInputElement && whole(field.value)) slide.value = whole(field.value);
    soon();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(waiting);
    void show().then((shown) => shown || form.submit()); // what cannot be shown here, the page itself says
  });
  if (slide instanceof HTMLInputElement) {
    const label = slide.closest("label");
    if (label) label.hidden = false;
    slide.value = whole(field.value);
    slide.addEventListener("input", () => {
      field.value = slide.value;
      soon();
    });
  }
}

if (typeof document !== "undefined") {
  const form = document.querySelector("form[data-try]");
  const place = document.getElementById("tried");
  if (form instanceof HTMLFormElement && place) wire(form, place);
}
