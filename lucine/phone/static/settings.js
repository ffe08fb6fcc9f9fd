// @ts-check
/** Notifications, quiet hours, and what this phone is. */
import { post } from "./api.js";
import { choose, fill, find, on, onForm, part, say, section, show, warn, word } from "./screens.js";
import { pushPossible, subscriptionNow, turnPushOff, turnPushOn } from "./push.js";

/** @typedef {import("./api.js").Me} Me */

const NIGHT = { start: "22:00", end: "07:00" }; // what most would choose

const screen = section("settings");
const toggle = find('[data-action="push"]', HTMLButtonElement);
const start = find("#quiet-start", HTMLInputElement);
const end = find("#quiet-end", HTMLInputElement);

/** @type {Me | null} */
let me = null;

/** @param {Me} told */
export function setMe(told) {
  me = told;
}

on("settings", async () => {
  if (!me) return;
  fill("device", me.device.name);
  fill("recovery-left", new Intl.NumberFormat(document.documentElement.lang).format(me.recovery_codes_left));
  showQuiet();
  show("settings");
  await showPush();
});

async function showPush() {
  const subscribed = Boolean(await subscriptionNow()) && Notification.permission === "granted";
  const state = !pushPossible() ? "unsupported" : Notification.permission === "denied" ? "denied" : "";
  toggle.hidden = Boolean(state);
  toggle.setAttribute("aria-checked", String(subscribed));
  choose("push", state || (subscribed ? "on" : "off"), screen);
}

on("push", async () => {
  if (!me) return;
  const turnOff = toggle.getAttribute("aria-checked") === "true";
  const answer = turnOff ? await turnPushOff() : await turnPushOn(me.push_key);
  if (answer.granted) {
    me.push = !turnOff;
    say(word(turnOff ? "push-off" : "push-on"));
  } else if (Notification.permission !== "denied") {
    warn({ ...answer, words: ("words" in answer && answer.words) || word("push-failed") });
  }
  await showPush();
});

function showQuiet() {
  if (!me) return;
  const { start: from, end: to } = me.quiet;
  choose("quiet", from ? "on" : "off", screen);
  fill("quiet-start", from);
  fill("quiet-end", to);
  start.value = from || NIGHT.start;
  end.value = to || NIGHT.end;
}

/**
 * @param {string} from
 * @param {string} to
 */
async function setQuiet(from, to) {
  const answer = await post("/quiet", { start: from, end: to });
  if (!answer.granted) return warn(answer);
  if (me) me.quiet = { start: from, end: to };
  showQuiet();
  say(word(from ? "quiet-saved" : "quiet-off"));
}

onForm("quiet", (values) => setQuiet(values.start.slice(0, 5), values.end.slice(0, 5)));
on("quiet-off", () => setQuiet("", ""));

// ---- The home screen of the phone ----

/** @type {any} */
let offer = null;
window.addEventListener("beforeinstallprompt", (event) => {
  event.preventDefault();
  offer = event;
  part("install", true);
});
on("install", async () => {
  await offer?.prompt();
  offer = null;
  part("install", false);
});
