// @ts-check
/** The desk without a line: what is handed out and weighed in is kept on the device and sent, in order and once, when
 * there is a line again. Each act has a key of its own before it is first sent, so that sending it twice does it once.
 * Without this module the same forms go to the house at once. */
import { say, sentence } from "./words.js";

const KEPT = "pavilion-desk";
const AGAIN_MS = 5_000;

/** @typedef {{key: string, address: string, fields: Record<string, string>, label: string, made: number}} Act */
/** @typedef {{kind: "done"} | {kind: "refused", words: string} | {kind: "no line", signedOut?: boolean}} Outcome */
/** @typedef {{key: string, words: string}} Refused what was refused and why, until somebody has seen it */

/** `1.019`, `1,019` or `1.019 ct` in milli-carats, null for what is no weight. Pure. @param {string} typed @returns {number | null} */
export function mctOf(typed) {
  const found = /^([0-9]{1,4})(?:[.,]([0-9]{1,3}))?\s*(?:ct)?$/i.exec(typed.trim());
  if (!found) return null;
  const mct = Number(found[1]) * 1000 + Number((found[2] ?? "").padEnd(3, "0"));
  return mct > 0 && mct <= 10_000_000 ? mct : null;
}

/** `−0.001 ct` Pure. @param {number} mct */
export function signed(mct) {
  const sign = mct < 0 ? "−" : mct > 0 ? "+" : "±";
  const whole = Math.abs(mct);
  return `${sign}${Math.floor(whole / 1000)}.${String(whole % 1000).padStart(3, "0")} ct`;
}

/** What the scale says against what went out; null while nothing readable is typed. Pure.
 * @param {string} typed @param {number} out @param {number} allowed @returns {{difference: number, apart: boolean} | null} */
export function compared(typed, out, allowed) {
  const mct = mctOf(typed);
  return mct === null ? null : { difference: mct - out, apart: Math.abs(mct - out) > allowed };
}

/** Whether the scale says another weight than the record of the stone that is to go out. Pure.
 * @param {string} typed @param {string | undefined} low @param {string | undefined} high */
export function unlike(typed, low, high) {
  const mct = mctOf(typed);
  return mct !== null && low !== undefined && high !== undefined && (mct < Number(low) || mct > Number(high));
}

/** The acts without one that is over, and with another about the same thing refused none is lost. Pure.
 * @param {readonly Act[]} acts @param {string} key @returns {Act[]} */
export function without(acts, key) {
  return acts.filter((act) => act.key !== key);
}

/** An act that is there already is not there twice. Pure. @param {readonly Act[]} acts @param {Act} act @returns {Act[]} */
export function queued(acts, act) {
  return acts.some((one) => one.key === act.key) ? [...acts] : [...acts, act];
}

/** What was kept on the device, as far as it can be read. Pure. @param {string | null} text @returns {Act[]} */
export function read(text) {
  try {
    const found = JSON.parse(text ?? "[]");
    return Array.isArray(found) ? found.filter((one) => typeof one?.key === "string" && typeof one.address === "string" && one.fields && typeof one.fields === "object") : [];
  } catch {
    return [];
  }
}

/** What was refused and not yet seen, as far as it can be read. Pure. @param {string | null} text @returns {Refused[]} */
export function refusals(text) {
  try {
    const found = JSON.parse(text ?? "[]");
    return Array.isArray(found) ? found.filter((one) => typeof one?.key === "string" && typeof one.words === "string") : [];
  } catch {
    return [];
  }
}

/** What the house's answer means. Only its own word that the act is done takes the act from the queue: the page of a
 * hotel's network, or of the sign-in, is an answer too. Pure.
 * @param {number} status @param {any} told the answer as JSON, null for anything else @returns {Outcome} */
export function outcomeOf(status, told) {
  if (status === 401) return { kind: "no line", signedOut: true };
  if (status >= 500 || status === 429 || told === null) return { kind: "no line" };
  if (status < 300) return typeof told.done === "string" ? { kind: "done" } : { kind: "no line" };
  if (typeof told.code !== "string") return { kind: "no line" };
  const faults = Object.values(told.facts?.fields ?? {}).map((fault) => sentence(String(fault)));
  return { kind: "refused", words: [told.detail ?? String(status), ...faults].join(" ") };
}

export class Queue {
  /** @param {{load(): string | null, save(text: string): void, send(act: Act): Promise<Outcome>, changed(acts: Act[]): void, refused(act: Act, words: string): void, done(act: Act): void}} ports */
  constructor(ports) {
    this.ports = ports;
    this.acts = read(ports.load());
    this.busy = false;
    this.signedOut = false;
  }

  /** Kept before it is sent. @param {Act} act */
  async add(act) {
    this.keep((acts) => queued(acts, act));
    await this.drain();
  }

  /** The first first; without a line the rest waits. */
  async drain() {
    if (this.busy) return;
    this.busy = true;
    try {
      for (let act = this.acts[0]; act; act = this.acts[0]) {
        const outcome = await this.ports.send(act);
        this.signedOut = outcome.kind === "no line" && outcome.signedOut === true;
        if (outcome.kind === "no line") break;
        this.keep((acts) => without(acts, act.key));
        if (outcome.kind === "refused") this.ports.refused(act, outcome.words);
        else this.ports.done(act);
      }
    } finally {
      this.busy = false;
      this.ports.changed(this.acts);
    }
  }

  /** What is kept is read first: another page of the same desk may have added to it. @param {(acts: Act[]) => Act[]} change */
  keep(change) {
    this.acts = change(read(this.ports.load()));
    this.ports.save(JSON.stringify(this.acts));
    this.ports.changed(this.acts);
  }
}

/** @param {Act} act @returns {Promise<Outcome>} */
async function send(act) {
  let answer;
  try {
    answer = await fetch(act.address, { method: "POST", body: new URLSearchParams(act.fields), headers: { accept: "application/json" } });
  } catch {
    return { kind: "no line" };
  }
  return outcomeOf(answer.status, answer.redirected ? null : await answer.json().catch(() => null));
}

class Desk {
  /** @param {HTMLElement} place */
  constructor(place) {
    this.place = place;
    this.line = /** @type {HTMLElement} */ (document.querySelector("[data-line]"));
    this.told = /** @type {HTMLElement} */ (document.querySelector("[data-refused]"));
    const name = `${KEPT}:${place.dataset["office"]}:${place.dataset["staff"]}`; // who signs in next signs for nobody else
    this.refusedAt = `${name}:refused`;
    this.stale = false; // an act is done and the page could not be read again since
    this.queue = new Queue({
      load: () => localStorage.getItem(name),
      save: (text) => localStorage.setItem(name, text),
      send,
      changed: (acts) => this.show(acts),
      refused: (act, words) => this.refused(act, words),
      done: () => void this.fresh(),
    });
    place.addEventListener("submit", (event) => void this.onSubmit(event));
    place.addEventListener("input", (event) => this.onInput(event));
    place.addEventListener("reset", (event) => this.onReset(event));
    this.told.addEventListener("click", (event) => this.onSeen(event));
    addEventListener("online", () => void this.again());
    setInterval(() => void this.again(), AGAIN_MS);
    this.show(this.queue.acts);
    this.tell();
    void this.queue.drain();
  }

  /** @param {SubmitEvent} event */
  async onSubmit(event) {
    const form = event.target instanceof HTMLFormElement && event.target.matches("[data-desk-act]") ? event.target : null;
    if (!form) return;
    event.preventDefault();
    const fields = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value)]));
    const button = /** @type {HTMLButtonElement | null} */ (event.submitter);
    if (button?.name) fields[button.name] = button.value;
    const weight = /** @type {HTMLInputElement} */ (form.elements.namedItem("weight"));
    if (mctOf(weight.value) === null) { this.reading(form, say("This is no weight: type carats with three decimals.")); weight.focus(); return; }
    const told = form.dataset["act"] === "in" ? compared(weight.value, Number(form.dataset["outMct"]), Number(form.dataset["allowed"])) : null;
    const strange = told?.apart
      ? say("%(difference)s: more than the desk allows. Weigh again, or take it in as it is: an incident opens, and nobody gets the stone.", { difference: signed(told.difference) })
      : unlike(weight.value, form.dataset["low"], form.dataset["high"]) ? say("The record of this stone says another weight. Is it the right stone?") : "";
    if (strange && fields["as_it_is"] !== "yes") {
      const meant = await this.confirmed(form, strange);
      if (meant === null) return; // another weight was typed: what was asked is no longer the question
      if (!meant) { weight.value = ""; this.reading(form, ""); weight.focus(); return; }
      fields["as_it_is"] = "yes";
    }
    const label = form.closest(".weigh")?.querySelector("h3")?.textContent?.trim() ?? "";
    for (const one of form.querySelectorAll("button")) one.disabled = true;
    await this.queue.add({ key: fields["key"] ?? "", address: form.action, fields, label, made: Date.now() });
  }

  /** Asks in place, instead of the usual buttons, whether it is meant so; null when another weight is typed.
   * @param {HTMLFormElement} form @param {string} why @returns {Promise<boolean | null>} */
  confirmed(form, why) {
    const template = /** @type {HTMLTemplateElement} */ (document.querySelector("template[data-confirm]"));
    const usual = /** @type {HTMLElement | null} */ (form.querySelector(":scope > .desk-acts"));
    form.querySelector("[data-asked]")?.remove();
    if (usual) usual.hidden = true;
    const asked = document.createElement("div");
    asked.dataset["asked"] = "";
    asked.append(template.content.cloneNode(true));
    const words = asked.querySelector("[data-confirm-words]");
    if (words) words.textContent = why;
    for (const yes of asked.querySelectorAll("[data-yes]")) if (yes.getAttribute("data-yes") !== form.dataset["act"]) yes.remove();
    form.append(asked);
    /** @type {HTMLElement | null} */ (asked.querySelector("[data-no]"))?.focus();
    return new Promise((resolve) => {
      /** @param {boolean | null} meant */
      const over = (meant) => {
        form.removeEventListener("input", retyped);
        asked.remove();
        if (usual) usual.hidden = false;
        resolve(meant);
      };
      /** @param {Event} event */
      const retyped = (event) => {
        if (event.target instanceof HTMLInputElement && event.target.name === "weight") over(null);
      };
      form.addEventListener("input", retyped);
      asked.addEventListener("click", (event) => {
        const button = event.target instanceof Element ? event.target.closest("[data-yes], [data-no]") : null;
        if (button) over(button.matches("[data-yes]"));
      });
    });
  }

  /** @param {Event} event */
  onInput(event) {
    const field = event.target instanceof HTMLInputElement && event.target.name === "weight" ? event.target : null;
    const form = /** @type {HTMLFormElement | null} */ (field?.closest("[data-desk-act]") ?? null);
    if (!field || !form || form.dataset["act"] !== "in") return;
    const told = compared(field.value, Number(form.dataset["outMct"]), Number(form.dataset["allowed"]));
    if (!told) this.reading(form, "");
    else this.reading(form, told.apart ? say("%(difference)s, too much", { difference: signed(told.difference) }) : say("%(difference)s, within what is allowed", { difference: signed(told.difference) }));
  }

  /** @param {Event} event */
  onReset(event) {
    const form = /** @type {HTMLFormElement} */ (event.target);
    this.reading(form, "");
    setTimeout(() => /** @type {HTMLInputElement | null} */ (form.querySelector("[name='weight']"))?.focus());
  }

  /** @param {HTMLFormElement} form @param {string} words */
  reading(form, words) {
    const place = form.querySelector("[data-reading]");
    if (place) place.textContent = words;
  }

  /** What waits, on the line above and at each stone. @param {readonly Act[]} acts */
  show(acts) {
    this.line.hidden = acts.length === 0 && !this.stale;
    const what = acts.map((act) => act.label).join("; ");
    this.line.textContent = !acts.length ? (this.stale ? say("Done, but this page could not be read again yet.") : "") : this.queue?.signedOut
      ? say("Signed out. Kept here and sent when you have signed in again: %(what)s", { what })
      : say("No line. Kept here and sent when there is one: %(what)s", { what });
    for (const form of /** @type {NodeListOf<HTMLElement>} */ (this.place.querySelectorAll("[data-desk-act]"))) {
      const waits = acts.some((act) => (act.fields["stone"] || act.fields["tray"]) === form.dataset["thing"] && act.fields["appointment"] === this.place.dataset["visit"]);
      form.closest(".weigh")?.classList.toggle("is-waiting", waits);
      const mark = /** @type {HTMLElement | null | undefined} */ (form.closest(".weigh")?.querySelector("[data-waiting]"));
      if (mark) mark.hidden = !waits;
      for (const button of form.querySelectorAll("button")) button.disabled = waits;
    }
  }

  /** What waits is sent, and a page that fell behind is read again. */
  async again() {
    if (this.queue.acts.length) await this.queue.drain();
    if (this.stale) await this.fresh();
  }

  /** The page as the house has it now; none without a line. @returns {Promise<string | null>} */
  async page() {
    try {
      const answer = await fetch(location.pathname, { headers: { "hx-request": "true", accept: "text/html" }, cache: "no-store" });
      return answer.ok && !answer.redirected ? await answer.text() : null;
    } catch {
      return null;
    }
  }

  /** The desk as the house knows it now; what is half typed at another stone stays. A page that cannot be read says so
   * and is asked for again: it still shows what is done already. */
  async fresh() {
    const text = await this.page();
    this.stale = text === null;
    if (text === null) { this.show(this.queue.acts); return; }
    const typed = new Map(this.scales().map(([name, field]) => [name, field.value]));
    const focused = document.activeElement instanceof HTMLElement && this.place.contains(document.activeElement) ? document.activeElement.id : "";
    this.place.replaceChildren(document.createRange().createContextualFragment(text));
    for (const [name, field] of this.scales()) field.value ||= typed.get(name) ?? "";
    if (focused) document.getElementById(focused)?.focus();
    this.show(this.queue.acts);
  }

  /** The scales of the page by what is weighed and which way it goes. @returns {[string, HTMLInputElement][]} */
  scales() {
    return [.../** @type {NodeListOf<HTMLFormElement>} */ (this.place.querySelectorAll("[data-desk-act]"))].map((form) => [
      `${form.dataset["act"]} ${form.dataset["thing"]}`, /** @type {HTMLInputElement} */ (form.elements.namedItem("weight")),
    ]);
  }

  /** Kept before anything else: it was not done, and stays told until somebody has seen it. @param {Act} act @param {string} words */
  refused(act, words) {
    const weight = act.fields["weight"] ? `${act.fields["weight"]} ct` : "";
    const said = { key: act.key, words: `${[act.label, weight].filter(Boolean).join(", ")}: ${words}` };
    const others = refusals(localStorage.getItem(this.refusedAt)).filter((one) => one.key !== act.key);
    localStorage.setItem(this.refusedAt, JSON.stringify([...others, said]));
    this.tell();
    /** @type {HTMLElement | null} */ (this.told.lastElementChild)?.focus();
    void this.fresh();
  }

  /** What was refused, above the desk. */
  tell() {
    this.told.replaceChildren(...refusals(localStorage.getItem(this.refusedAt)).map((one) => {
      const said = document.createElement("div");
      said.className = "notice is-wrong";
      said.tabIndex = -1;
      said.setAttribute("role", "alert");
      const words = document.createElement("p");
      words.textContent = `${say("Not done.")} ${one.words}`;
      const seen = document.createElement("button");
      seen.type = "button";
      seen.className = "button";
      seen.dataset["seen"] = one.key;
      seen.textContent = say("Seen");
      said.append(words, seen);
      return said;
    }));
  }

  /** @param {Event} event */
  onSeen(event) {
    const button = event.target instanceof HTMLElement ? event.target.closest("[data-seen]") : null;
    if (!(button instanceof HTMLElement)) return;
    const left = refusals(localStorage.getItem(this.refusedAt)).filter((one) => one.key !== button.dataset["seen"]);
    localStorage.setItem(this.refusedAt, JSON.stringify(left));
    this.tell();
  }
}

if (typeof document !== "undefined") {
  const place = document.querySelector("[data-desk]");
  if (place instanceof HTMLElement) new Desk(place);
  /** @type {HTMLElement | null} */ (document.querySelector("[data-refusal]"))?.focus();
}
