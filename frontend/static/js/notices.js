// @ts-check
// The page of notices: this browser asks to be told, and says whether it can.
import { say, sentence } from "./words.js";

const button = document.querySelector("[data-push-key]");
const place = document.querySelector("[data-push-said]");

/** @param {string} text */
function tell(text) {
  if (place) place.textContent = text;
}

/** @param {string} text base64url @returns {Uint8Array<ArrayBuffer>} */
export function bytesOf(text) {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

/** @param {string} key */
async function subscribe(key) {
  if ((await Notification.requestPermission()) !== "granted") { tell(say("This browser was told not to show notices. Its settings can change that.")); return; }
  const registration = await navigator.serviceWorker.register("/sw.js");
  await navigator.serviceWorker.ready;
  const made = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytesOf(key) });
  const answer = await fetch("/account/notifications/browsers", { method: "POST", headers: { "Content-Type": "application/json", Accept: "application/json" }, body: JSON.stringify(made.toJSON()) });
  if (answer.ok) { location.href = "/account/notifications?saved=1"; return; }
  await made.unsubscribe();
  const fault = await answer.json().catch(() => ({}));
  tell(fault.code ? sentence(fault.code) : say("This did not work. Please try again."));
}

if (button instanceof HTMLButtonElement && place) {
  if (!("serviceWorker" in navigator) || !("PushManager" in window) || !isSecureContext) {
    tell(say("This browser cannot show notices while our pages are closed."));
  } else {
    tell("");
    button.hidden = false;
    button.addEventListener("click", () => {
      button.disabled = true;
      subscribe(button.dataset.pushKey ?? "").catch(() => tell(say("This did not work. Please try again."))).finally(() => { button.disabled = false; });
    });
  }
}
