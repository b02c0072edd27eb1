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

/** A photograph as it stands on the plate: larger than in the strip, and a way to look closer.
 * @param {HTMLAnchorElement} choice */
function photograph(choice) {
  const link = document.createElement("a");
  link.href = choice.href;
  link.className = "closer";
  link.dataset.zoom = "";
  const image = document.createElement("img");
  image.src = choice.dataset.photo ?? choice.href;
  image.alt = choice.getAttribute("aria-label") ?? "";
  link.append(image);
  return link;
}

/** @param {HTMLElement} strip @param {HTMLElement} plate */
function wire(strip, plate) {
  for (const choice of strip.querySelectorAll("a[data-view], a[data-photo]")) {
    choice.addEventListener("click", (event) => {
      if (!(choice instanceof HTMLAnchorElement)) return;
      event.preventDefault();
      for (const other of strip.querySelectorAll("a[aria-current]")) other.removeAttribute("aria-current");
      choice.setAttribute("aria-current", "true");
      const shown = choice.dataset.photo ? photograph(choice) : choice.querySelector("img, svg")?.cloneNode(true);
      if (!(shown instanceof Element)) return;
      if (shown instanceof HTMLImageElement) shown.alt = choice.getAttribute("aria-label") ?? "";
      plate.querySelector(".closer, img, svg.cut")?.replaceWith(shown);
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
