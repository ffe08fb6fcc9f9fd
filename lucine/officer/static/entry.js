// @ts-check
/** The officer's way in: an invitation becomes a passkey, a passkey opens the watch. */
import { post } from "/static/signin/doors.js";
import { createPasskey, knowsPasskeys, usePasskey } from "/static/signin/passkey.js";

const main = /** @type {HTMLElement} */ (document.querySelector("main"));
const alertBox = document.querySelector("[data-alert]");
const button = document.querySelector("button[data-action]");
const without = document.querySelector("[data-without]");

// The secret leaves the address, so that no bookmark and no shoulder keeps it.
const invitation = location.hash.slice(1);
if (invitation) history.replaceState(null, "", location.pathname);

/** @param {string | undefined} text */
function warn(text) {
  if (alertBox) alertBox.textContent = text ?? "";
}

/**
 * @param {HTMLButtonElement} pressed
 * @param {string} door
 * @param {object} body
 * @param {(options: any) => Promise<object | null>} ceremony
 */
async function walk(pressed, door, body, ceremony) {
  const { stopped, network } = pressed.dataset;
  warn("");
  const asked = await post(`${door}/options`, body);
  if (!asked.granted) return warn(asked.words || network);
  const credential = await ceremony(asked.body.options);
  if (!credential) return warn(stopped);
  const answer = await post(door, { ...body, credential });
  if (!answer.granted) return warn(answer.words || network);
  location.assign(main.dataset.to ?? "/watch");
}

if (button instanceof HTMLButtonElement && knowsPasskeys) {
  button.hidden = false;
  without?.remove();
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    if (button.dataset.action === "sign-in") await walk(button, "/watch/sign-in", {}, usePasskey);
    else if (invitation) await walk(button, "/watch/invitation", { invitation }, createPasskey);
    else warn(button.dataset.missing);
    button.removeAttribute("aria-busy");
  });
}
