// @ts-check
/** Notifications, quiet hours, and what this phone is. */
import { post } from "./api.js";
import { choose, fill, find, on, onForm, part, say, section, show, warn, word } from "./screens.js";
import { pushPossible, subscriptionNow, turnPushOff, turnPushOn } from "./push.js";

/** @typedef {import("./api.js").Me} Me */

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
  start.value = me.quiet.start;
  end.value = me.quiet.end;
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

/**
 * @param {string} from
 * @param {string} to
 */
async function setQuiet(from, to) {
  const answer = await post("/quiet", { start: from, end: to });
  if (!answer.granted) return warn(answer);
  if (me) me.quiet = { start: from, end: to };
  start.value = from;
  end.value = to;
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
