// @ts-check
/**
 * Finds the counter that a challenge hides (ALTCHA version 2, PBKDF2): a little work, which only many of us feel.
 *
 * No worker: WebCrypto computes beside the page anyway, and between two batches the page does as it likes.
 */

/** Tries under way at once: enough for every core, few enough to let go quickly. */
const BATCH = 64;

/**
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer>}
 */
function fromHex(text) {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/**
 * @param {Uint8Array} bytes
 * @returns {string}
 */
function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * @param {{nonce: string, salt: string, cost: number, keyLength: number, keyPrefix: string}} challenge
 * @param {() => boolean} wanted asked now and then; the work stops when it says no
 * @returns {Promise<{counter: number, derivedKey: string} | null>}
 */
export async function solve({ nonce, salt, cost, keyLength, keyPrefix }, wanted) {
  const [start, salted, prefix] = [fromHex(nonce), fromHex(salt), fromHex(keyPrefix)];

  /** @param {number} counter */
  async function derive(counter) {
    const password = new Uint8Array(start.length + 4);
    password.set(start);
    new DataView(password.buffer).setUint32(start.length, counter);
    const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
    const how = { name: "PBKDF2", hash: "SHA-256", salt: salted, iterations: cost };
    return new Uint8Array(await crypto.subtle.deriveBits(how, key, keyLength * 8));
  }

  for (let first = 0; wanted(); first += BATCH) {
    const derived = await Promise.all(Array.from({ length: BATCH }, (_, index) => derive(first + index)));
    const found = derived.findIndex((key) => prefix.every((byte, index) => key[index] === byte));
    if (found >= 0) return { counter: first + found, derivedKey: toHex(/** @type {Uint8Array} */ (derived[found])) };
  }
  return null;
}
