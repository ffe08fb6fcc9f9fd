// @ts-check
/**
 * The page of a sign-in at the desk.
 *
 * `data-state` is what the server says: waiting, claimed, approved, refused, expired.
 * `data-way`, while waiting, is how she goes on: scan (the code), ring (one tap, known browser), rung (it was
 * tapped), open (the phone is this screen). Elements show themselves by `data-states` and `data-ways`.
 * Every word stands in the template; this file only chooses among them.
 */
import { proveBrowser } from "./browser-key.js";
import { copy } from "./copy.js";
import { post } from "./doors.js";
import { shownDuration } from "./duration.js";
import { knowsPasskeys, usePasskey } from "./passkey.js";
import { solve } from "./proof-of-work.js";
import { drawQr } from "./qr.js";
import { scanCode, serverClock } from "./scan-code.js";

const RECONNECT_MAX_MS = 15_000;
const LAST_CALL_SECONDS = 30;
/** The server ends a start; this is for when it cannot say so. */
const GRACE_SECONDS = 3;
/** The wall clock ran ahead of the monotonic one by this much: the computer slept. */
const SLEEP_MS = 2_000;
/** Before this, nobody notices that the computer works; after LONG_WORK_MS its time must not be taken from hers. */
const CALM_WORK_MS = 1_500;
const LONG_WORK_MS = 10_000;

/**
 * @template {Element} T
 * @param {string} selector
 * @param {new () => T} kind
 * @param {ParentNode} [within]
 * @returns {T}
 */
function find(selector, kind, within = document) {
  const found = within.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`the page lacks ${selector}`);
  return found;
}

/** @param {string} name */
const action = (name) => /** @type {HTMLElement | null} */ (document.querySelector(`[data-action="${name}"]`));

const main = find("main", HTMLElement);
const { start = "", ask = "", key = "", challenge = "", nonce = "", origin = "", now = "0", expires = "0", known } = main.dataset;
const doors = `/start/${start}`;
const words = find("template[data-words]", HTMLTemplateElement).content;
const alertBox = find("[data-alert]", HTMLElement);
const said = find("[data-said]", HTMLElement);
const announced = find("[data-announced]", HTMLElement);
const qr = find("[data-qr] svg", SVGSVGElement);
const link = find("[data-link]", HTMLInputElement);
const serverNow = serverClock(Number(now));
const phoneSized = matchMedia("(max-width: 46rem), (hover: none) and (pointer: coarse)");

const wallOffset = Date.now() - performance.now();

let state = "waiting";
/** @type {string} */
let way;
/** She chose the way herself: the size of the window no longer does. */
let chosen = false;
let stillKnown = known === "yes";
let expiresAt = Number(expires);
let proved = false;
let lastCallMade = false;
/** @type {((second: number) => Promise<string>) | null} */
let codeAt = null;
/** Settles once this screen may show its code. */
let earned = Promise.resolve();

/**
 * @param {string} name
 * @returns {string}
 */
function word(name) {
  return find(`[data-word="${name}"]`, HTMLElement, words).textContent?.trim() ?? "";
}

/** @param {string} text */
function say(text) {
  said.textContent = text;
}

/**
 * Shows why something did not work, in the server's words where it has some.
 *
 * @param {{words: string}} refusal
 */
function warn(refusal) {
  alertBox.textContent = refusal.words || word("network");
}

function show() {
  const lost = document.activeElement;
  main.dataset.state = state;
  main.dataset.way = way;
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (main.querySelectorAll("[data-states], [data-ways]"))) {
    const { states, ways, needs } = element.dataset;
    element.hidden =
      (states !== undefined && !states.split(" ").includes(state)) ||
      (ways !== undefined && !ways.split(" ").includes(way)) ||
      (needs === "known" && !stillKnown) ||
      (needs === "passkeys" && !knowsPasskeys);
  }
  // The keyboard must not fall back to the top of the page when its button goes away.
  if (lost instanceof HTMLElement && main.contains(lost) && lost !== main && !lost.checkVisibility()) {
    const heading = [...main.querySelectorAll("[data-heading]")].find((each) => each.checkVisibility());
    if (heading instanceof HTMLElement) heading.focus();
  }
}

/** @param {string} next */
function enter(next) {
  if (next === state) return;
  state = next;
  alertBox.textContent = "";
  say("");
  show();
  const heading = main.querySelector(`[data-panel="${state}"] [data-heading]`);
  announced.textContent = heading?.textContent?.trim() ?? "";
  if (state === "approved") void finish();
}

/** @param {string} next */
function goBy(next) {
  way = next;
  if (way === "scan" || way === "open") void prove();
  show();
  void draw();
}

function goByDefault() {
  goBy(phoneSized.matches ? "open" : stillKnown ? "ring" : "scan");
}

/** Hands this browser's key over before the scan, so that she may keep this computer. Goes on without. */
async function prove() {
  if (proved) return;
  proved = true;
  const proof = await proveBrowser(start, nonce);
  if (proof) await post(`${doors}/browser`, proof);
}

/**
 * Posts until the server has answered.
 *
 * @param {string} address
 * @param {object} [body]
 */
async function insist(address, body) {
  for (let tries = 0; ; tries++) {
    const answer = await post(address, body);
    if (answer.granted || (answer.status !== 0 && answer.status < 500)) return answer;
    say(word("lost"));
    await new Promise((resolve) => setTimeout(resolve, Math.min(500 * 2 ** tries, RECONNECT_MAX_MS)));
  }
}

/**
 * While strangers besiege the service, the page comes without the key of its code: a known browser proves itself,
 * any other works for it.
 *
 * @returns {Promise<string>}
 */
async function earnKey() {
  const proof = stillKnown ? await proveBrowser(start, nonce) : null;
  const proven = proof && (await post(`${doors}/proof`, proof));
  if (proven?.granted) return proven.body.key;
  const working = find("[data-working]", HTMLElement);
  const calm = setTimeout(() => {
    working.hidden = false;
    announced.textContent = working.textContent;
  }, CALM_WORK_MS);
  const long = setTimeout(() => post(`${doors}/more-time`), LONG_WORK_MS);
  const solution = await solve(JSON.parse(challenge), () => state === "waiting");
  const answer = solution && (await insist(`${doors}/work`, solution));
  clearTimeout(calm);
  clearTimeout(long);
  working.hidden = true;
  if (answer?.granted) return answer.body.key;
  if (answer) warn(answer);
  return "";
}

async function earn() {
  if (!globalThis.crypto?.subtle) return warn({ words: word("too-old") });
  const own = key || (await earnKey());
  if (own) codeAt = await scanCode({ ask, key: own, origin });
  void draw();
}

/** @returns {Promise<string>} the code of this second */
async function currentCode() {
  await earned;
  return codeAt ? codeAt(Math.floor(serverNow())) : "";
}

async function draw() {
  if (state !== "waiting" || !codeAt) return;
  const text = await currentCode();
  if (way === "scan") drawQr(qr, text);
  if (link.closest("details")?.open) link.value = text;
}

function showTimeLeft() {
  const left = expiresAt - serverNow();
  for (const place of document.querySelectorAll("[data-left]")) place.textContent = shownDuration(left);
  return left;
}

function tick() {
  const left = showTimeLeft();
  if (state === "waiting" || state === "claimed") {
    if (left < -GRACE_SECONDS) enter("expired");
    else if (left < LAST_CALL_SECONDS && !lastCallMade) {
      lastCallMade = true;
      announced.textContent = word("last-call");
    }
  }
  // Some monotonic clocks stand still while the computer sleeps: the page asks for the time anew.
  if (state === "waiting" && Date.now() - performance.now() - wallOffset > SLEEP_MS) return location.reload();
  void draw();
  setTimeout(tick, 1000 - (serverNow() * 1000) % 1000);
}

/** @type {EventSource | null} */
let events = null;
let failures = 0;

function listen() {
  events?.close();
  const source = new EventSource(`${doors}/events`);
  events = source;
  source.addEventListener("state", (event) => {
    const told = JSON.parse(event.data);
    if (failures > 1) say("");
    failures = 0;
    expiresAt = told.expires_at;
    enter(told.state);
    if (["approved", "refused", "expired"].includes(state)) source.close();
  });
  source.onerror = () => {
    source.close();
    if (state !== "waiting" && state !== "claimed") return;
    // One break is nothing to worry her with: proxies end long answers.
    if (failures++ > 0) say(word("lost"));
    setTimeout(listen, Math.min(500 * 2 ** (failures - 1), RECONNECT_MAX_MS));
  };
}

async function finish() {
  const answer = await insist(`${doors}/finish`);
  if (answer.granted) return location.replace(answer.body.location);
  // The server drew another page for this: with a second code, or without any.
  if (answer.error === "one_more_proof" || answer.error === "hold") return location.reload();
  find("[data-again]", HTMLElement).hidden = false;
  warn(answer);
}

/**
 * Ties a button to what it does; a second press waits for the first.
 *
 * @param {string} name
 * @param {() => Promise<void>} act
 */
function on(name, act) {
  for (const button of document.querySelectorAll(`[data-action="${name}"]`)) {
    button.addEventListener("click", async (event) => {
      event.preventDefault();
      if (button.getAttribute("aria-busy") === "true") return;
      button.setAttribute("aria-busy", "true");
      alertBox.textContent = "";
      try {
        await act();
      } finally {
        button.removeAttribute("aria-busy");
      }
    });
  }
}

on("ring", async () => {
  chosen = true;
  const proof = await proveBrowser(start, nonce);
  const answer = proof ? await post(`${doors}/ring`, proof) : { granted: false, error: "unknown_browser", words: "" };
  if (answer.granted) {
    goBy("rung");
    announced.textContent = word("rung");
  } else if ("error" in answer && answer.error === "unknown_browser") {
    stillKnown = false;
    goBy("scan");
    say(word("unknown-browser"));
  } else if ("error" in answer && answer.error === "scan_instead") {
    goBy("scan");
    say(answer.words);
  } else warn(/** @type {{words: string}} */ (answer));
});

on("scan-instead", async () => {
  chosen = true;
  goBy("scan");
});

on("passkey", async () => {
  const asked = await post(`${doors}/passkey/options`);
  if (!asked.granted) return warn(asked);
  const credential = await usePasskey(asked.body.options);
  if (!credential) return warn({ words: word("no-passkey") });
  const answer = await post(`${doors}/passkey`, { credential });
  if (!answer.granted) warn(answer);
});

on("more-time", async () => {
  const answer = await post(`${doors}/more-time`);
  if (!answer.granted) return warn(answer);
  expiresAt = answer.body.expires_at;
  lastCallMade = false;
  showTimeLeft();
  const left = find("[data-time]", HTMLElement);
  left.focus();
  const button = action("more-time");
  if (button) button.dataset.states = "";
  show();
  say(word("more-time"));
});

on("copy-link", async () => {
  link.value = await currentCode();
  say((await copy(link.value, link)) ? word("copied") : word("copy-by-hand"));
});

/** The app takes no code from an address but one that a page of ours opened in this very browser. */
function hand() {
  try {
    localStorage.setItem("lucine-opened", ask);
  } catch {
    // A browser that keeps nothing: she scans, or pastes the link.
  }
}

on("open-phone", async () => {
  hand();
  try {
    sessionStorage.setItem("lucine-here", ask); // the app, in this very tab, comes back once she has approved
  } catch {
    // A browser that keeps nothing: she comes back by herself.
  }
  location.assign((await currentCode()) || "/phone/");
});

on("open-window", async () => {
  // Opened empty, at the click itself: browsers block windows that come later.
  hand();
  const opened = window.open("", "_blank");
  const text = (await currentCode()) || "/phone/";
  if (opened) {
    opened.opener = null;
    opened.location.replace(text);
  } else location.assign(text);
});

on("cancel", async () => {
  const answer = await post(`${doors}/cancel`);
  if (answer.granted) location.replace(answer.body.location);
  else warn(answer);
});

find("[data-typed]", HTMLFormElement).addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = /** @type {HTMLFormElement} */ (event.currentTarget);
  const field = find("input", HTMLInputElement, form);
  // Codes have no I, L, O or U: what looks like 1 or 0 is 1 or 0.
  const code = field.value.toUpperCase().replace(/[^A-Z0-9]/g, "").replace(/[IL]/g, "1").replace(/O/g, "0");
  const wrong = code.length !== 8;
  field.setAttribute("aria-invalid", String(wrong));
  const answer = wrong ? { granted: false, words: word("code-length") } : await post(`${doors}/typed`, { code });
  if (answer.granted) {
    find("[data-typed-alert]", HTMLElement, form).textContent = "";
    say(word("typed"));
  } else {
    // Beside the field: the page's own alert may be out of sight.
    find("[data-typed-alert]", HTMLElement, form).textContent = answer.words || word("network");
    field.focus();
  }
});

link.closest("details")?.addEventListener("toggle", () => void draw());
link.addEventListener("focus", () => link.select());

phoneSized.addEventListener("change", () => {
  if (!chosen && state === "waiting") goByDefault();
});

// Back from the phone's page in the same tab, or awake again after a sleep: ask the server anew.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

earned = earn();
if (key) await earned;
goByDefault();
main.dataset.ready = "yes";
listen();
tick();
