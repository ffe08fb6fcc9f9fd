// @ts-check
/** Tells the house, once a day at most, which system this phone runs: the major version, and nothing else. */
import { call, serverNow } from "./api.js";

/** @typedef {{platform: "android" | "ios", version: number}} System */

const TOLD = "lucine-system"; // the day on which it was told last

/** @returns {Promise<System | null>} null where it cannot be known */
async function systemHere() {
  const agent = /** @type {any} */ (navigator).userAgentData;
  if (agent?.platform === "Android") {
    const told = await agent.getHighEntropyValues(["platformVersion"]).catch(() => ({}));
    const version = parseInt(told.platformVersion, 10);
    return version > 0 ? { platform: "android", version } : null;
  }
  const [, ios] = /\b(?:iPhone|iPad|iPod)\b.* OS (\d+)_/.exec(navigator.userAgent) ?? [];
  const [, safari] = / Version\/(\d+)/.exec(navigator.userAgent) ?? [];
  if (!ios) return null;
  // Since 26 the system says 18 for ever, and Safari alone goes on counting. An installed app says 18 and no more.
  if (Number(ios) >= 18 && !safari) return null;
  return { platform: "ios", version: Math.max(Number(ios), Number(safari ?? 0)) };
}

export async function tellSystem() {
  const today = new Date(serverNow() * 1000).toISOString().slice(0, 10);
  try {
    if (localStorage.getItem(TOLD) === today) return;
    const system = await systemHere();
    if (system && (await call("POST", "/habits/system", system)).granted) localStorage.setItem(TOLD, today);
  } catch {
    // Nothing is kept here: better untold than told at every opening.
  }
}
