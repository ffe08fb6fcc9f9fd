// @ts-check
/** The code that the phone scans: a keyed function of the second, so that a photograph of it is soon worth nothing. */
import { fromBase64url, toBase64url } from "./base64url.js";

/** Characters of the MAC that travel: 22 of base64url are 132 bits. */
const MAC_CHARACTERS = 22;

/**
 * The server's clock, from the time it wrote into the page and the browser's monotonic clock.
 *
 * @param {number} now the server's epoch seconds when it made the page
 * @returns {() => number} the server's epoch seconds
 */
export function serverClock(now) {
  const [visit] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
  // The page was made just before its first byte came: time spent on fetching scripts must not age the code.
  const made = visit?.responseStart || performance.now();
  return () => now + (performance.now() - made) / 1000;
}

/**
 * @param {{ask: string, key: string, origin: string}} start
 * @returns {Promise<(second: number) => Promise<string>>} the text of the QR code at a second
 */
export async function scanCode({ ask, key, origin }) {
  const hmac = await crypto.subtle.importKey("raw", fromBase64url(key), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return async (second) => {
    const mac = await crypto.subtle.sign("HMAC", hmac, new TextEncoder().encode(`${ask}.${second}`));
    return `${origin}/phone/#scan=${ask}.${second}.${toBase64url(mac).slice(0, MAC_CHARACTERS)}`;
  };
}
