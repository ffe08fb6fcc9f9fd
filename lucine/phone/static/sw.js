// @ts-check
/**
 * The worker of the phone's app: it keeps the shell for when there is no network, and shows that
 * something waits. It keeps nothing personal: what comes from /phone/api/ never enters a cache.
 */

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

const HOME = "/phone/";
const SHELL = "lucine-phone-shell-"; // and the time it was fetched; whole once it holds HOME
const WORDS = "lucine-phone-words";
const REFRESH_AFTER_MS = 2000; // the page that opens now comes first

/** @returns {Promise<string[]>} the shells, newest first */
async function shells() {
  const names = (await caches.keys()).filter((name) => name.startsWith(SHELL));
  return names.sort().reverse();
}

/**
 * @param {Request | string} asked
 * @returns {Promise<Response | undefined>} from the newest whole shell
 */
async function kept(asked) {
  for (const name of await shells()) {
    const shell = await caches.open(name);
    if (await shell.match(HOME)) return shell.match(asked);
  }
  return undefined;
}

/** @type {Promise<void> | null} */
let refreshing = null;

/**
 * Fetches the page; if it changed, all that it names, and only then puts them in the place of the old
 * ones. The page carries the version of each file: the same page means the same files.
 */
function refresh() {
  refreshing ??= fetchShell().finally(() => (refreshing = null));
  return refreshing;
}

async function fetchShell() {
  const home = await fetch(HOME, { cache: "no-store" });
  if (!home.ok || home.redirected) return;
  const html = await home.clone().text();
  if (html === (await (await kept(HOME))?.text())) return;
  const named = [...html.matchAll(/(?:href|src)="(\/static\/phone\/[^"]+\.(?:js|css)(?:\?[^"]*)?)"/g)].map((found) => found[1]);
  const name = SHELL + Date.now();
  const shell = await caches.open(name);
  try {
    await Promise.all(
      [...new Set(named)].map(async (address) => {
        const answer = await fetch(address, { cache: "no-cache" });
        if (!answer.ok) throw new Error(address);
        await shell.put(address, answer);
      }),
    );
    await shell.put(HOME, home);
  } catch (error) {
    await caches.delete(name);
    throw error;
  }
  for (const old of await shells()) if (old !== name) await caches.delete(old);
}

worker.addEventListener("install", (event) => {
  event.waitUntil(refresh().then(() => worker.skipWaiting()));
});

worker.addEventListener("activate", (event) => {
  event.waitUntil(worker.clients.claim());
});

worker.addEventListener("fetch", (event) => {
  const address = new URL(event.request.url);
  if (event.request.method !== "GET" || address.origin !== worker.location.origin) return;
  if (event.request.mode === "navigate" && address.pathname === HOME) {
    // A question in the address (another language) goes to the server; else the shell is there at once,
    // since the code that was scanned lives three seconds.
    const answer = address.search
      ? fetch(event.request).catch(async () => (await kept(HOME)) ?? Response.error())
      : kept(HOME).then((found) => found ?? fetch(event.request));
    event.respondWith(answer);
    event.waitUntil(
      new Promise((resolve) => setTimeout(resolve, REFRESH_AFTER_MS)).then(refresh).catch(() => {}),
    );
  } else if (address.pathname.startsWith("/static/phone/")) {
    event.respondWith(kept(event.request).then((found) => found ?? fetch(event.request)));
  }
});

worker.addEventListener("push", (event) => event.waitUntil(tell()));

async function tell() {
  const said = await caches.match("/phone/words", { cacheName: WORDS });
  const { title = "Lucine", body = "", language = "" } = said ? await said.json() : {};
  const pages = await worker.clients.matchAll({ type: "window" });
  await worker.registration.showNotification(title, /** @type {NotificationOptions} */ ({
    body,
    lang: language,
    tag: "ask", // a second request replaces the first: the app shows them all
    renotify: true,
    silent: pages.some((page) => page.visibilityState === "visible"), // the open app rings by itself
    icon: "/static/phone/icon-192.png",
    badge: "/static/phone/badge-96.png",
  }));
}

worker.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(
    worker.clients.matchAll({ type: "window", includeUncontrolled: true }).then((pages) => {
      const open = pages.find((page) => new URL(page.url).pathname === HOME);
      return open ? open.focus() : worker.clients.openWindow(HOME);
    }),
  );
});

worker.addEventListener("pushsubscriptionchange", (/** @type {any} */ event) => {
  const options = event.oldSubscription?.options;
  if (!options) return;
  event.waitUntil(
    worker.registration.pushManager.subscribe(options).then((/** @type {PushSubscription} */ subscription) =>
      fetch("/phone/api/push", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ subscription: subscription.toJSON() }),
      }),
    ),
  );
});
