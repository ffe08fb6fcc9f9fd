// @ts-check
/** This browser's own key: it can sign, and nobody can carry it away, not even a script of this page. */
import { toBase64url } from "./base64url.js";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @returns {Promise<IDBDatabase>} */
function openStore() {
  const request = indexedDB.open("lucine", 1);
  request.onupgradeneeded = () => request.result.createObjectStore("keys");
  return settled(request);
}

/**
 * The key of this browser, made at the first need. Two tabs that make it at once end with the same one.
 *
 * @returns {Promise<CryptoKeyPair>}
 */
async function browserKey() {
  const database = await openStore();
  try {
    const kept = () => settled(database.transaction("keys").objectStore("keys").get("browser"));
    const found = await kept();
    if (found) return found;
    const made = await crypto.subtle.generateKey(ALGORITHM, false, ["sign", "verify"]);
    await new Promise((resolve) => {
      const writing = database.transaction("keys", "readwrite");
      writing.objectStore("keys").add(made, "browser");
      // `add` refuses to replace: then the other tab's key is read below.
      writing.oncomplete = writing.onabort = resolve;
    });
    return (await kept()) ?? made;
  } finally {
    database.close();
  }
}

/**
 * Signs this start with the browser's key.
 *
 * @param {string} start
 * @param {string} nonce
 * @returns {Promise<{jwk: {kty: string, crv: string, x: string, y: string}, signature: string} | null>}
 *   null where the browser cannot keep a key (private windows of some browsers)
 */
export async function proveBrowser(start, nonce) {
  try {
    const { publicKey, privateKey } = await browserKey();
    const { x = "", y = "" } = await crypto.subtle.exportKey("jwk", publicKey);
    const text = new TextEncoder().encode(`lucine-browser:${start}:${nonce}`);
    const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, privateKey, text);
    return { jwk: { kty: "EC", crv: "P-256", x, y }, signature: toBase64url(signature) };
  } catch {
    return null;
  }
}
