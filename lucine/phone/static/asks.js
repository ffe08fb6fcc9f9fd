// @ts-check
/** A request to sign in: it rings or is fetched, is shown alone, and gets its one answer. */
import { events, get, post, serverNow } from "./api.js";
import {
  announce, choose, fill, find, focusHeading, goRoot, isOffline, on, onForm, onNetwork, part, screenNow, section, show, warn, word,
  makeRow,
} from "./screens.js";
import { shownAgo, shownClock, shownDuration } from "./time.js";
import { useKey } from "./webauthn.js";

/** @typedef {import("./api.js").Ask} Ask */

const LAST_CALL_SECONDS = 20;
const RECONNECT_MAX_MS = 10_000;
const STALE_AFTER_MS = 10_000;
const HERE = "lucine-here"; // the ask that a sign-in page of this very tab handed over (start.js)
const KEPT_SCREENS = ["request", "refuse", "enrol", "recovery"]; // not left because something rings

const keep = find("[data-keep]", HTMLInputElement);
const hand = find("[data-hand]", SVGElement);

/** @type {Ask | null} */
let shown = null;
/** @type {Ask[]} */
let ringing = [];
/** Asks that were shown once: they wait on the home screen, and do not jump up again. */
const seen = new Set();
/** Asks that have their answer: the stream may still name them for a moment. */
const answered = new Set();
let busy = false;
let timer = 0;

/**
 * Whether the sign-in began in this tab. Another window of the same computer sees to itself.
 *
 * @param {Ask} ask
 */
function beganHere(ask) {
  try {
    return sessionStorage.getItem(HERE) === ask.id;
  } catch {
    return false;
  }
}

/**
 * Shows a request; it is the only thing on the screen.
 *
 * @param {Ask} ask
 */
export function showAsk(ask) {
  shown = ask;
  seen.add(ask.id);
  for (const key of /** @type {const} */ (["service", "host", "browser", "place", "message"])) fill(key, ask[key]);
  for (const key of /** @type {const} */ (["browser", "place", "message"]))
    for (const row of document.querySelectorAll(`.facts [data-row="${key}"]`)) /** @type {HTMLElement} */ (row).hidden = !ask[key];
  const here = beganHere(ask);
  choose("kind", here ? "here" : { scan: "scan", ring: "ring", silent: "code", typed: "code" }[ask.kind], section("request"));
  choose("keeps", here ? "here" : "desk", section("request"));
  part("keep", ask.can_keep);
  part("elsewhere", ask.elsewhere);
  keep.checked = false;
  show("request");
  countDown(ask, ask.expires_at - serverNow());
  // Before a first touch it is not allowed: the screen is enough.
  if (ask.kind !== "scan" && navigator.userActivation?.hasBeenActive) navigator.vibrate?.([180, 90, 180]);
  void closeNotifications();
}

/**
 * @param {Ask} ask
 * @param {number} whole seconds that were left at first
 */
function countDown(ask, whole) {
  clearTimeout(timer);
  fill("time", shownAgo(ask.opened_at));
  // A clock that cannot be right must not hide a request: the server judges.
  part("left", whole > 0);
  if (whole <= 0) return;
  let called = false;
  const tick = () => {
    if (shown !== ask) return;
    const left = ask.expires_at - serverNow();
    if (left <= 0 && !busy) return end();
    fill("left", shownDuration(left));
    hand.setAttribute("stroke-dashoffset", String(100 - (100 * Math.max(0, left)) / whole));
    if (left < LAST_CALL_SECONDS && !called && screenNow() === "request") {
      called = true;
      announce(word("last-call"));
    }
    timer = window.setTimeout(tick, 1000);
  };
  tick();
}

/** The request is over without an answer from here. */
function end() {
  if (shown) answered.add(shown.id);
  forget();
  if (["request", "refuse"].includes(screenNow())) show("over");
}

function forget() {
  clearTimeout(timer);
  shown = null;
}

async function closeNotifications() {
  const worker = await navigator.serviceWorker?.getRegistration("/phone/").catch(() => undefined);
  for (const each of (await worker?.getNotifications?.()) ?? []) each.close();
}

/**
 * @param {import("./api.js").Refused} refusal
 */
function refused(refusal) {
  if (refusal.status === 410 || refusal.status === 404) return end();
  warn(refusal);
}

on("approve", async () => {
  const ask = shown;
  if (!ask || busy) return;
  busy = true;
  try {
    const credential = await useKey(ask.options);
    if (!credential) return warn({ words: word("key-stopped") });
    const answer = await post(`/asks/${encodeURIComponent(ask.id)}/approve`, { credential, keep: keep.checked });
    if (!answer.granted) return refused(answer);
    answered.add(ask.id);
    forget();
    const { return_to: returnTo } = answer.body;
    // The installed app opens over the page of this phone that began.
    const back = beganHere(ask) || matchMedia("(display-mode: standalone)").matches;
    if (back && returnTo && /^https?:/.test(new URL(returnTo, location.href).href)) return location.assign(returnTo);
    show("done");
  } finally {
    busy = false;
  }
});

on("refuse", () => show("refuse"));
on("back-to-request", () => (shown ? show("request") : show("over")));

/** @param {"not_me" | "changed_mind"} reason */
async function refuse(reason) {
  const ask = shown;
  if (!ask) return show("over");
  const answer = await post(`/asks/${encodeURIComponent(ask.id)}/refuse`, { reason });
  if (!answer.granted) return refused(answer);
  answered.add(ask.id);
  forget();
  if (reason === "not_me") {
    part("was-waiting", true);
    part("was-approved", false);
    return show("stopped");
  }
  goRoot(word("changed-mind"));
}

on("not-me", () => refuse("not_me"));
on("changed-mind", () => refuse("changed_mind"));

// ---- What rings ----

/** @type {EventSource | null} */
let stream = null;
let failures = 0;
let retry = 0;
let opened = 0;
/** @type {() => void} */
let lostDevice = () => {};

/**
 * Listens, from now on, to what rings.
 *
 * @param {() => void} whenLost called when the server may not know this phone any more
 */
export function listen(whenLost) {
  lostDevice = whenLost;
  if (!stream) connect();
}

/** Stops listening: this phone is not, or no longer, able to approve. */
export function stopListening() {
  clearTimeout(retry);
  stream?.close();
  stream = null;
  ringing = [];
}

function connect() {
  clearTimeout(retry);
  stream?.close();
  const source = events();
  stream = source;
  opened = performance.now();
  source.addEventListener("asks", (event) => {
    failures = 0;
    choose("state", "ready", section("home"));
    heard(JSON.parse(event.data).asks);
  });
  source.onopen = () => choose("state", "ready", section("home"));
  source.onerror = () => {
    if (stream !== source) return;
    source.close();
    // One break is nothing to worry her with: proxies end long answers.
    if (failures++ > 0) choose("state", isOffline() ? "offline" : "reconnecting", section("home"));
    if (failures === 2 && !isOffline()) lostDevice();
    retry = window.setTimeout(connect, Math.min(500 * 2 ** (failures - 1), RECONNECT_MAX_MS));
  };
}

/** @param {Ask[]} asks */
function heard(asks) {
  ringing = asks.filter((ask) => !answered.has(ask.id));
  const mine = shown;
  const rang = mine && (mine.kind === "ring" || mine.kind === "typed");
  if (mine && rang && !busy && !ringing.some((ask) => ask.id === mine.id)) end();
  if (!KEPT_SCREENS.includes(screenNow()) || (screenNow() === "request" && !shown)) showNext();
  showRinging();
}

/** Shows what rings and was not seen yet. Whether there was something. */
export function showNext() {
  const next = ringing.find((ask) => !seen.has(ask.id));
  if (next) showAsk(next);
  return Boolean(next);
}

/** On the home screen: what rings still, and was put off. */
export function showRinging() {
  ringing = ringing.filter((ask) => !answered.has(ask.id));
  const [first] = ringing;
  part("ringing", Boolean(first));
  if (!first) return;
  fill("ringing-service", first.service);
  fill("ringing-when", shownAgo(first.opened_at));
}

on("see-ringing", () => ringing[0] && showAsk(ringing[0]));

document.addEventListener("visibilitychange", () => {
  // A phone that slept has a dead stream that does not know it.
  if (!document.hidden && stream && performance.now() - opened > STALE_AFTER_MS) connect();
});
onNetwork((offline) => {
  if (offline) choose("state", "offline", section("home"));
  else if (stream) connect();
});

// ---- What waits silently ----

export async function openWaiting() {
  part("some-waiting", false);
  part("none-waiting", false);
  show("waiting");
  const answer = await get("/waiting");
  if (!answer.granted) return warn(answer);
  /** @type {{service: string, place: string, opened_at: number}[]} */
  const waiting = answer.body.waiting;
  const list = find('[data-list="waiting"]', HTMLElement);
  list.replaceChildren(
    ...waiting.map(({ service, place, opened_at: at }) =>
      makeRow("waiting", { service, detail: [place, shownClock(at)].filter(Boolean).join(" · ") })),
  );
  part("some-waiting", waiting.length > 0);
  part("none-waiting", waiting.length === 0);
  focusHeading();
}

on("waiting", openWaiting);

onForm("waiting", async ({ code }, form) => {
  const answer = await post("/waiting", { code });
  if (!answer.granted) return warn(answer);
  form.reset();
  showAsk(answer.body);
});
