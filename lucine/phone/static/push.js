// @ts-check
/** Wake-up messages (RFC 8030): they say nothing; the app, once open, asks what rings. */
import { drop, post } from "./api.js";
import { fromBase64url } from "./webauthn.js";

const WORDS = "lucine-phone-words"; // what the worker may show: it has no words of its own

/** @returns {boolean} */
export const pushPossible = () => "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

/** @returns {Promise<PushSubscription | null>} */
export async function subscriptionNow() {
  if (!pushPossible()) return null;
  const worker = await navigator.serviceWorker.getRegistration("/phone/");
  return (await worker?.pushManager.getSubscription().catch(() => null)) ?? null;
}

/**
 * Keeps the two sentences of a notification, in the language of this page.
 *
 * @param {{title: string, body: string, language: string}} words
 */
export async function keepWords(words) {
  try {
    const kept = await caches.open(WORDS);
    await kept.put("/phone/words", new Response(JSON.stringify(words)));
  } catch {
    // Without it a notification shows the name of the app alone.
  }
}

/**
 * @param {string} key the VAPID public key
 * @returns {Promise<{granted: boolean, words?: string, reference?: string}>}
 */
export async function turnPushOn(key) {
  if ((await Notification.requestPermission()) !== "granted") return { granted: false };
  const worker = await navigator.serviceWorker.ready;
  const options = { userVisibleOnly: true, applicationServerKey: fromBase64url(key) };
  try {
    const subscription = await worker.pushManager.subscribe(options).catch(async () => {
      // Subscribed before with another key: that one is void.
      await (await worker.pushManager.getSubscription())?.unsubscribe();
      return worker.pushManager.subscribe(options);
    });
    return await post("/push", { subscription: subscription.toJSON() });
  } catch {
    return { granted: false };
  }
}

export async function turnPushOff() {
  const answer = await drop("/push");
  if (answer.granted) await (await subscriptionNow())?.unsubscribe();
  return answer;
}

/**
 * The server forgot a subscription that this phone still has: told again, without a word.
 *
 * @param {import("./api.js").Me} me
 */
export async function mendPush(me) {
  const subscription = await subscriptionNow();
  if (subscription && !me.push && Notification.permission === "granted")
    await post("/push", { subscription: subscription.toJSON() });
  return Boolean(subscription);
}
