// @ts-check
/** This phone becomes a key: by a voucher that was scanned, or by two codes and a wait. */
import { post } from "./api.js";
import { fill, find, makeRow, on, onForm, say, show, warn, word } from "./screens.js";
import { createKey } from "./webauthn.js";

// A phone that is short of memory throws a page away while she reads her mail: what was begun is kept
// in this tab alone, until it is done.
const BEGUN = "lucine-enrolment";

/** @typedef {{voucher: string, options: PublicKeyCredentialCreationOptionsJSON, name: string}} Begun */

const field = find("#enrol-name", HTMLInputElement);

/** @type {() => void} */
let ready = () => {};

/** @param {() => void} act called when this phone is enrolled and its codes are noted */
export const onEnrolled = (act) => void (ready = act);

/** @param {object | null} begun */
function remember(begun) {
  try {
    if (begun) sessionStorage.setItem(BEGUN, JSON.stringify(begun));
    else sessionStorage.removeItem(BEGUN);
  } catch {
    // A browser that keeps nothing: she starts again if the page is thrown away.
  }
}

/** Takes up what was begun in this tab; whether there was something. */
export function resumeEnrolment() {
  try {
    const begun = JSON.parse(sessionStorage.getItem(BEGUN) ?? "null");
    if (begun?.voucher) void showEnrolment(begun);
    else if (begun?.request) show("codes-check");
    return Boolean(begun);
  } catch {
    return false;
  }
}

/**
 * @param {string} voucher
 * @returns {Promise<import("./api.js").Refused | null>} why not
 */
export async function beginEnrolment(voucher) {
  const answer = await post("/enrolments/options", { voucher });
  if (!answer.granted) return answer;
  const begun = { voucher, options: answer.body.options, name: answer.body.name };
  remember(begun);
  await showEnrolment(begun);
  return null;
}

/** @type {Begun | null} */
let current = null;

/** @param {Begun} begun */
async function showEnrolment(begun) {
  current = begun;
  fill("name", begun.name);
  field.value = await guessName();
  show("enrol");
}

/** @returns {Promise<string>} what she may call this phone */
async function guessName() {
  const { guessIphone = "", guessAndroid = "", guessOther = "" } = field.dataset;
  const agent = /** @type {any} */ (navigator).userAgentData;
  const model = agent?.mobile ? (await agent.getHighEntropyValues(["model"]).catch(() => ({}))).model : "";
  if (model) return model;
  if (/iPhone|iPad/.test(navigator.userAgent)) return guessIphone;
  return /Android/.test(navigator.userAgent) ? guessAndroid : guessOther;
}

onForm("enrol", async ({ name }) => {
  if (!current) return ready();
  const made = await createKey(current.options);
  if ("failed" in made) return warn({ words: word(made.failed === "exists" ? "key-exists" : "key-not-made") });
  const { voucher } = current;
  const answer = await post("/enrolments", { voucher, credential: made.credential, name });
  if (!answer.granted) return warn(answer);
  remember(null);
  current = null;
  /** @type {string[]} */
  const codes = answer.body.recovery_codes ?? [];
  if (!codes.length) return ready();
  find('[data-list="recovery"]', HTMLElement).replaceChildren(...codes.map((code) => makeRow("recovery", { code })));
  show("recovery");
});

on("copy", async () => {
  const codes = [...document.querySelectorAll('[data-list="recovery"] code')].map((code) => code.textContent);
  try {
    await navigator.clipboard.writeText(codes.join("\n"));
    say(word("copied"));
  } catch {
    say(word("copy-by-hand"));
  }
});
on("print", () => window.print());
on("noted", () => {
  find('[data-list="recovery"]', HTMLElement).replaceChildren();
  ready();
});

// ---- Without a card: two codes ----

on("codes", () => {
  remember(null);
  show("codes-ask");
});

onForm("codes-ask", async (values) => {
  const answer = await post("/codes", values);
  if (!answer.granted) return warn(answer);
  remember({ request: answer.body.request });
  show("codes-check");
});

onForm("codes-check", async (values, form) => {
  const { request = "" } = JSON.parse(sessionStorage.getItem(BEGUN) ?? "{}");
  const answer = await post("/codes/check", { request, ...values });
  if (!answer.granted) return warn(answer);
  form.reset();
  const refusal = await beginEnrolment(answer.body.voucher);
  if (refusal) warn(refusal);
});
