// @ts-check
/** The search page answers as filters change: the results are swapped, the counts beside the filters follow, and the
 * address is that of the question. Without script the form's button does the same. */

const WAIT_MS = 350;

/** The address of what a form says; empty fields say nothing.
 * @param {string} action @param {Iterable<[string, FormDataEntryValue]>} entries */
export function question(action, entries) {
  const said = new URLSearchParams();
  for (const [name, value] of entries) if (typeof value === "string" && value.trim()) said.append(name, value.trim());
  const query = said.toString();
  return query ? `${action}?${query}` : action;
}

/** Whether an answer still is the latest: an older one that comes late changes nothing. */
export function latest() {
  let asked = 0;
  return { next: () => ++asked, is: (/** @type {number} */ n) => n === asked };
}

/** What of the fresh page replaces what of the old one. Fields keep their focus and what is being typed.
 * @param {ParentNode} old @param {ParentNode} fresh */
function swap(old, fresh) {
  for (const id of ["total", "results", "show", "bars-ct", "bars-ppc"]) {
    const [was, is] = [old.querySelector(`#${id}`), fresh.querySelector(`#${id}`)];
    if (was && is) was.replaceWith(is);
  }
  const [tabs, freshTabs] = [old.querySelector(".tabs"), fresh.querySelector(".tabs")];
  if (tabs && freshTabs) tabs.replaceWith(freshTabs);
  const [sum, freshSum] = [old.querySelector(".filters-fold > summary"), fresh.querySelector(".filters-fold > summary")];
  if (sum && freshSum) sum.innerHTML = freshSum.innerHTML;
  for (const label of old.querySelectorAll(".filters label[id]")) {
    const count = label.querySelector(".count");
    if (count) count.textContent = fresh.querySelector(`[id="${label.id}"] .count`)?.textContent ?? "0";
  }
}

/** @param {HTMLElement} found @param {HTMLFormElement} form */
function wire(found, form) {
  const order = latest();
  /** @type {number | undefined} */
  let timer;

  async function ask() {
    const turn = order.next();
    const address = question(form.action, new FormData(form));
    found.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(address, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
      if (!answer.ok) throw new Error(String(answer.status));
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!order.is(turn)) return;
      swap(found, fresh);
      history.replaceState(null, "", answer.headers.get("HX-Push-Url") ?? address);
      found.removeAttribute("aria-busy");
    } catch {
      if (order.is(turn)) location.assign(address); // the page itself says what went wrong
    }
  }

  /** @param {Event} event */
  function changed(event) {
    const target = event.target;
    if (!(target instanceof HTMLInputElement || target instanceof HTMLSelectElement) || target.form !== form) return;
    if (event.type === "input" && target.type !== "search") return; // a half-typed bound is no question yet
    clearTimeout(timer);
    timer = window.setTimeout(ask, WAIT_MS);
  }
  found.addEventListener("change", changed);
  found.addEventListener("input", changed);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    void ask();
  });
}

if (typeof document !== "undefined") {
  const found = document.getElementById("found");
  const form = document.getElementById("filters");
  if (found && form instanceof HTMLFormElement) wire(found, form);
}
