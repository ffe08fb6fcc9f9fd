// @ts-check
/** The phone's app: which screen comes first, and what an address that opened it asks for. */
import { get, post, serverNow } from "./api.js";
import { listen, openWaiting, showAsk, showNext, showRinging, stopListening } from "./asks.js";
import { showCard } from "./card.js";
import { beginEnrolment, onEnrolled, resumeEnrolment } from "./enrol.js";
import "./past.js";
import { keepWords, mendPush, pushPossible } from "./push.js";
import { onCode, openScan, readCode } from "./scan.js";
import { fill, goRoot, on, onNetwork, part, say, screenNow, setRoot, show, warn, word } from "./screens.js";
import { setMe } from "./settings.js";
import { tellSystem } from "./system.js";
import { shownDay } from "./time.js";
import "./typed.js";
import { keepsKeys } from "./webauthn.js";

/** @typedef {import("./api.js").Me} Me */

const READY_CHECK_MS = 60_000;

/** @type {Me | null} */
let me = null;
let known = false; // whether the server has said who this phone is, or that it is nobody's

/** What the address asked for; the address itself forgets it at once, and so does the history. */
function takeAddress() {
  const asked = location.hash.slice(1);
  if (asked || location.search) history.replaceState(history.state, "", location.pathname);
  return asked;
}

/** @returns {Promise<Me | null>} */
async function askWhoIAm() {
  const answer = await get("/me");
  if (answer.granted) {
    me = /** @type {Me} */ (answer.body);
    setMe(me);
  } else if (answer.status === 401) me = null;
  else {
    if (!known && screenNow() === "loading") {
      show("offline");
      if (answer.status) warn(answer);
    }
    return me;
  }
  known = true;
  return me;
}

/** The bottom screen of this moment. */
function showRoot() {
  if (!keepsKeys()) return show("unsupported");
  if (!known) return show("offline");
  if (!me) {
    stopListening();
    return show("welcome");
  }
  fill("name", me.name);
  // A register writes surnames in capitals; among friends the first name is enough.
  fill("first-name", me.name.replace(/(\s+[\p{Lu}'’-]{2,})+$/u, ""));
  fill("usable", shownDay(me.usable_at));
  if (me.state === "quarantine") {
    stopListening();
    return show("quarantine");
  }
  if (me.state === "frozen") {
    stopListening();
    return show("frozen");
  }
  listen(refresh);
  if (showNext()) return;
  showRinging();
  showPending();
  void showCard();
  part("offer-push", pushPossible() && Notification.permission === "default");
  show("home");
}

/** A phone that waits to be allowed: the one urgent thing. */
function showPending() {
  const [pending] = me?.pending ?? [];
  part("pending", Boolean(pending));
  if (!pending) return;
  fill("pending-name", pending.name);
  fill("pending-when", shownDay(pending.usable_at));
}

/** Asks anew who this phone is; the root screen follows if it is the one shown. */
async function refresh() {
  const before = JSON.stringify(me);
  await askWhoIAm();
  const atRoot = ["home", "welcome", "quarantine", "frozen", "offline", "loading"].includes(screenNow());
  if (before !== JSON.stringify(me) && (atRoot || !me)) showRoot();
}

/** @param {{kind: "scan" | "enrol", value: string}} found */
async function take(found) {
  if (found.kind === "enrol") {
    const refusal = await beginEnrolment(found.value);
    return refusal && warn(refusal);
  }
  const answer = await post("/claims", { code: `${location.origin}/phone/#scan=${found.value}` });
  if (answer.granted) return showAsk(answer.body);
  if (answer.status === 401) {
    me = null;
    known = true;
    return addFirst();
  }
  warn(answer);
}

/** She came with a code of a sign-in, and this phone is nobody's yet. */
function addFirst() {
  part("scan-first", true);
  part("welcome", false);
  goRoot();
}

/**
 * Whether a sign-in page of this very browser opened the address (start.js). Any other page could have sent her
 * here with a code that it draws itself: such a code is not claimed, she scans the screen before her eyes.
 *
 * @param {string} code
 */
function openedHere(code) {
  try {
    return localStorage.getItem("lucine-opened") === code.split(".")[0];
  } catch {
    return false;
  }
}

/**
 * What an address asks for. A scanned code lives three seconds: it is claimed before anything else.
 *
 * @param {string} asked
 */
async function open(asked) {
  const found = readCode(`#${asked}`);
  if (found.kind === "scan" && !openedHere(found.value)) {
    await askWhoIAm();
    if (known && !me) return addFirst();
    if (me?.state !== "active") return showRoot();
    openScan(false, true);
    return warn({ words: word("scan-here") });
  }
  if (found.kind === "scan") {
    const claim = take(found);
    await askWhoIAm();
    await claim;
    if (screenNow() === "loading" || screenNow() === "offline") {
      // The claim was refused: its words stay, on the screen from which she scans again.
      if (me?.state === "active") openScan(false, true);
      else showRoot();
    } else if (screenNow() === "request") listen(refresh);
    return;
  }
  await askWhoIAm();
  if (found.kind === "enrol") {
    const refusal = keepsKeys() && (await beginEnrolment(found.value));
    if (refusal === null) return;
    showRoot();
    if (refusal) warn(refusal);
  } else if (asked === "waiting" && me?.state === "active") {
    showRoot();
    if (screenNow() === "home") await openWaiting();
  } else if ((me && me.state !== "frozen") || !resumeEnrolment()) showRoot();
}

/** Nobody's phone, or a frozen one that she adds anew: what it scans is a code to add it. */
const mayBeAdded = () => !me || me.state === "frozen";

setRoot(showRoot);
onCode(take);
onEnrolled(async () => {
  await askWhoIAm();
  goRoot(me?.state === "active" ? word("ready") : "");
});

on("scan", () => openScan(mayBeAdded(), true));
on("paste", () => openScan(mayBeAdded(), false));
on("add-again", () => show("welcome")); // frozen: a new key on this phone, with her card or two codes
on("home", () => goRoot());
on("retry", async () => {
  await askWhoIAm();
  showRoot();
});
on("cancel-pending", async () => {
  const [pending] = me?.pending ?? [];
  if (!pending) return;
  const answer = await post(`/pending/${encodeURIComponent(pending.id)}/cancel`);
  if (!answer.granted && answer.status !== 404) return warn(answer);
  await askWhoIAm();
  showRoot();
  say(word("pending-cancelled"));
});

window.addEventListener("hashchange", () => {
  const asked = takeAddress();
  if (asked) void open(asked);
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && known) void refresh();
});
onNetwork((offline) => {
  if (!offline) void refresh();
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted) goRoot(); // back from the service that an approval opened on this same phone
});
setInterval(() => {
  if (me?.state === "quarantine" && me.usable_at <= serverNow()) void refresh();
}, READY_CHECK_MS);

const asked = takeAddress();
void open(asked).then(() => {
  document.body.dataset.ready = "yes"; // the first screen is there: tests wait for it
  void keepWords({ title: word("push-title"), body: word("push-body"), language: document.documentElement.lang });
  if (me) void mendPush(me);
  if (me?.state === "active") void tellSystem();
});
if ("serviceWorker" in navigator) void navigator.serviceWorker.register("/phone/sw.js", { scope: "/phone/" }).catch(() => {});
