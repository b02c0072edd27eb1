// @ts-check
// The worker that shows notices while no page is open. It shows and opens, and keeps nothing: no request passes it.
/// <reference lib="webworker" />

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

worker.addEventListener("push", (event) => {
  const said = event.data?.json() ?? {};
  event.waitUntil(worker.registration.showNotification(String(said.title ?? "Pavilion"), {
    body: String(said.body ?? ""), tag: String(said.tag ?? ""), lang: said.lang === "zh" ? "zh-Hans" : "en", data: { url: String(said.url ?? "/") },
  }));
});

worker.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const url = new URL(event.notification.data?.url ?? "/", worker.location.origin);
  if (url.origin !== worker.location.origin) return;
  event.waitUntil(worker.clients.matchAll({ type: "window", includeUncontrolled: true }).then((open) => {
    const found = open.find((one) => one.url === url.href);
    return found ? found.focus() : worker.clients.openWindow(url.href);
  }));
});
