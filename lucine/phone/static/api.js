// @ts-check
/** The doors of the phone: JSON in, JSON or a refusal in words out. */

/**
 * @typedef {{granted: true, body: any}} Granted
 * @typedef {{granted: false, status: number, error: string, words: string, reference: string}} Refused
 * `status` 0 and empty `words`: the network did not answer.
 *
 * @typedef {object} Me
 * @property {string} name
 * @property {{id: string, name: string}} device
 * @property {"active" | "quarantine" | "frozen"} state
 * @property {number} usable_at epoch seconds
 * @property {{start: string, end: string}} quiet
 * @property {string} push_key
 * @property {boolean} push
 * @property {number} recovery_codes_left
 * @property {{id: string, name: string, usable_at: number}[]} pending
 *
 * @typedef {object} Ask
 * @property {string} id
 * @property {"scan" | "ring" | "silent" | "typed"} kind
 * @property {string} service
 * @property {string} host
 * @property {string} browser
 * @property {string} place
 * @property {string} message the service's own words
 * @property {number} opened_at epoch seconds
 * @property {number} expires_at epoch seconds
 * @property {boolean} can_keep
 * @property {PublicKeyCredentialRequestOptionsJSON} options
 * @property {boolean} elsewhere the asking screen is on rented computers, and this phone is not
 */

const API = "/phone/api";

/** How far the server's clock is ahead of this phone's monotonic one, in seconds. Old phones' clocks are wrong. */
let clockAhead = (Date.now() - performance.now()) / 1000;

/** @returns {number} the server's time, epoch seconds */
export function serverNow() {
  return performance.now() / 1000 + clockAhead;
}

/** @param {Response} response */
function setClock(response) {
  const said = Date.parse(response.headers.get("Date") ?? "");
  // The header counts whole seconds: half of one is the best guess.
  if (said) clockAhead = said / 1000 + 0.5 - performance.now() / 1000;
}

/**
 * Asks a door of the house, of the phone's or another room's.
 *
 * @param {"GET" | "POST" | "DELETE"} method
 * @param {string} address
 * @param {object} [body]
 * @returns {Promise<Granted | Refused>}
 */
export async function call(method, address, body) {
  try {
    const response = await fetch(address, {
      method,
      cache: "no-store",
      credentials: "same-origin",
      headers: body ? { "Content-Type": "application/json" } : {},
      ...(body && { body: JSON.stringify(body) }),
    });
    setClock(response);
    const answer = await response.json();
    if (response.ok) return { granted: true, body: answer };
    const { error = "", words = "", reference = "" } = answer;
    return { granted: false, status: response.status, error, words, reference };
  } catch {
    return { granted: false, status: 0, error: "network", words: "", reference: "" };
  }
}

/** @param {string} path */
export const get = (path) => call("GET", API + path);

/**
 * @param {string} path
 * @param {object} [body]
 */
export const post = (path, body = {}) => call("POST", API + path, body);

/** @param {string} path */
export const drop = (path) => call("DELETE", API + path);

/**
 * Opens the stream of what rings.
 *
 * @returns {EventSource}
 */
export const events = () => new EventSource(`${API}/events`);
