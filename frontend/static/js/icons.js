// @ts-check
// Icons of the one sprite, as the page itself names it.

/** @param {string} name @returns {SVGSVGElement} */
export function icon(name) {
  const sprite = document.querySelector("svg use[href*='sprite']")?.getAttribute("href")?.split("#")[0] ?? "";
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `${sprite}#${name}`);
  svg.append(use);
  return svg;
}

/** Another shape in the same place. @param {Element | null | undefined} place @param {string} name */
export function setIcon(place, name) {
  const use = place?.querySelector("svg use");
  if (!use) return;
  const address = `${use.getAttribute("href")?.split("#")[0]}#${name}`;
  if (use.getAttribute("href") !== address) use.setAttribute("href", address);
}

/** Text only when it changed, so that nothing is read twice. @param {Element | null | undefined} place @param {string} text */
export function setText(place, text) {
  if (place && place.textContent !== text) place.textContent = text;
}

/** A state as word, shape and colour. @param {Element} place @param {string} kind @param {string} name @param {string} words */
export function drawState(place, kind, name, words) {
  const mark = document.createElement("span");
  mark.className = `state is-${kind}`;
  mark.append(icon(name), words);
  place.replaceChildren(mark);
}
