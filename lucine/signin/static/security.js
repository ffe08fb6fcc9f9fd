// @ts-check
/** Her security page: making a passkey on this computer. All the rest of the page works without a script. */
import { post } from "./doors.js";
import { createPasskey, knowsPasskeys } from "./passkey.js";

const button = document.querySelector('button[data-action="create-passkey"]');
const alertBox = document.querySelector("[data-alert]");

/** @param {string} text */
function warn(text) {
  if (alertBox) alertBox.textContent = text;
}

async function create() {
  if (!(button instanceof HTMLButtonElement)) return;
  const { name, stopped = "", network = "" } = button.dataset;
  warn("");
  const asked = await post("/security/passkeys/options");
  if (!asked.granted) {
    if (asked.status === 403) location.assign("/security/again");
    return warn(asked.words || network);
  }
  const credential = await createPasskey(asked.body.options);
  if (!credential) return warn(stopped);
  const answer = await post("/security/passkeys", { credential, name });
  if (!answer.granted) return warn(answer.words || network);
  location.reload();
}

if (button instanceof HTMLButtonElement && knowsPasskeys) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    await create();
    button.removeAttribute("aria-busy");
  });
}
