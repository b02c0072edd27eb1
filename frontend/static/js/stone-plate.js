// @ts-check
/** The strip under the plate shows its picture or plan in the plate; without script each opens by itself. The stones to
 * compare are remembered in this browser, six at most. */

const MOST = 6;
const KEY = "compare";

/** The stones to compare with this one added: the latest six.
 * @param {string | null} kept @param {string} stone */
export function compared(kept, stone) {
  const others = (kept ?? "").split(",").filter((id) => /^[0-9A-HJKMNP-TV-Z]{26}$/.test(id) && id !== stone);
  return [...others, stone].slice(-MOST);
}

/** @param {HTMLElement} strip @param {HTMLElement} plate */
function wire(strip, plate) {
  for (const choice of strip.querySelectorAll("a[data-view]")) {
    choice.addEventListener("click", (event) => {
      event.preventDefault();
      for (const other of strip.querySelectorAll("a[aria-current]")) other.removeAttribute("aria-current");
      choice.setAttribute("aria-current", "true");
      const drawn = choice.querySelector("img, svg")?.cloneNode(true);
      if (!(drawn instanceof Element)) return;
      if (drawn instanceof HTMLImageElement) drawn.alt = choice.getAttribute("aria-label") ?? "";
      plate.querySelector("img, svg.cut")?.replaceWith(drawn);
    });
  }
}

if (typeof document !== "undefined") {
  const strip = document.querySelector("[data-plate] .strip");
  const plate = document.getElementById("plate");
  if (strip instanceof HTMLElement && plate) wire(strip, plate);
  for (const link of document.querySelectorAll("a[data-compare]")) {
    link.addEventListener("click", () => {
      if (!(link instanceof HTMLAnchorElement) || !link.dataset.compare) return;
      const stones = compared(sessionStorage.getItem(KEY), link.dataset.compare);
      sessionStorage.setItem(KEY, stones.join(","));
      link.href = `/stones/compare?ids=${stones.join(",")}`;
    });
  }
}
