// @ts-check
// Short tones for what must not be missed. Off until the reader switches them on; made here, never fetched.

export const SWITCH = "pavilion.sounds";

/** What is played: [frequency in Hz, start and length in seconds] one after the other. @type {Record<string, [number, number, number][]>} */
export const TONES = {
  outbid: [[440, 0, 0.14], [330, 0.16, 0.22]],
  won: [[523, 0, 0.12], [659, 0.13, 0.12], [784, 0.26, 0.3]],
  closing: [[880, 0, 0.09]],
};
const LOUD = 0.12;
const APART_MS = 1_500; // of the same kind: ten lots outbid in one breath are one sound

/** Which sound a happening of the room is, if any. @param {string} kind @param {string | null} [to] */
export function soundOf(kind, to) {
  if (kind === "own" && (to === "outbid" || to === "outbid_by_seller" || to === "tied_later")) return "outbid";
  if (kind === "own" && to === "won") return "won";
  return null;
}

/** Whether this much time left is told by a sound: once, in the last minute. @param {number | null} mark seconds */
export function isClosingMark(mark) {
  return mark === 60;
}

export class Sounds {
  /** @param {{storage: Storage, monotonic: () => number, open: () => AudioContext}} ports */
  constructor(ports) {
    this.ports = ports;
    /** @type {AudioContext | null} */
    this.context = null;
    /** @type {Map<string, number>} */
    this.playedAt = new Map();
  }

  /** The switch on the page of a lot. @param {HTMLElement} element */
  wire(element) {
    const box = element.querySelector("[data-sounds]");
    const on = element.querySelector("[data-sounds-on]");
    if (!(box instanceof HTMLElement) || !(on instanceof HTMLInputElement)) return;
    box.hidden = false;
    on.checked = this.on;
    on.addEventListener("change", () => this.switch(on.checked));
  }

  get on() {
    return this.ports.storage.getItem(SWITCH) === "on";
  }

  /** Kept by this browser. Switched on, it is heard at once, so that the reader knows how loud. @param {boolean} on */
  switch(on) {
    this.ports.storage.setItem(SWITCH, on ? "on" : "off");
    if (on) this.play("closing");
  }

  /** @param {string | null} name @returns {boolean} whether it is heard */
  play(name) {
    const tones = name ? TONES[name] : undefined;
    const now = this.ports.monotonic();
    if (!name || !tones || !this.on || now < (this.playedAt.get(name) ?? -Infinity) + APART_MS) return false;
    this.playedAt.set(name, now);
    try {
      this.context ??= this.ports.open();
      void this.context.resume(); // a browser lets a page sound only after the reader touched it
      for (const tone of tones) this.tone(this.context, tone);
      return true;
    } catch {
      return false; // a room without sound is still a room
    }
  }

  /** @param {AudioContext} context @param {[number, number, number]} tone */
  tone(context, [frequency, start, length]) {
    const from = context.currentTime + start;
    const wave = context.createOscillator();
    const loudness = context.createGain();
    wave.frequency.value = frequency;
    loudness.gain.setValueAtTime(0, from);
    loudness.gain.linearRampToValueAtTime(LOUD, from + 0.01); // from nothing and to nothing: no click
    loudness.gain.linearRampToValueAtTime(0, from + length);
    wave.connect(loudness).connect(context.destination);
    wave.start(from);
    wave.stop(from + length);
  }
}

/** The title of the tab, with the number of lots on which the reader is outbid. @param {string} title @param {number} outbid */
export function titled(title, outbid) {
  const plain = title.replace(/^\(\d+\) /, "");
  return outbid ? `(${outbid}) ${plain}` : plain;
}
