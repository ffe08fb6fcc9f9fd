// @ts-check
/** How the desk's pages speak with Connect: JSON in, JSON or a refusal in words out. */

/**
 * @typedef {{granted: true, body: Record<string, any>}} Granted
 * @typedef {{granted: false, status: number, error: string, words: string}} Refused
 * `status` 0 and empty `words`: the network did not answer.
 */

/**
 * @param {string} address
 * @param {object} [body]
 * @returns {Promise<Granted | Refused>}
 */
export async function post(address, body = {}) {
  try {
    const response = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(body),
    });
    const answer = await response.json();
    if (response.ok) return { granted: true, body: answer };
    return { granted: false, status: response.status, error: String(answer.error), words: String(answer.words ?? "") };
  } catch {
    return { granted: false, status: 0, error: "network", words: "" };
  }
}
