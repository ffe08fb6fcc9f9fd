// @ts-check
/** The typed code, for who cannot scan: asked for, waited for, shown. */
import { drop, get, post, serverNow } from "./api.js";
import { choose, fill, find, focusHeading, goRoot, on, onLeave, section, show, warn, word } from "./screens.js";
import { shownClock, shownDuration } from "./time.js";

/** @typedef {{state: "none" | "waiting" | "ready", usable_at: number, code: string, expires_at: number}} Typed */

// Asking the server once the delay is over draws the code, whose ten minutes then run: this phone
// remembers when that will be, and asks only when she wants to see it.
const DUE = "lucine-typed-due";

const screen = section("typed");
let timer = 0;

/** @returns {number} epoch seconds; 0 when no code is under way */
const due = () => Number(localStorage.getItem(DUE) ?? 0);

/** @param {string} state */
function showState(state) {
  choose("typed", state, screen);
  focusHeading();
}

/** @param {Typed} typed */
function follow(typed) {
  clearTimeout(timer);
  if (typed.state === "waiting") localStorage.setItem(DUE, String(typed.usable_at));
  else localStorage.removeItem(DUE);
  if (typed.state === "ready") {
    find("[data-code]", HTMLElement, screen).textContent = typed.code.replace(/(.{4})(?=.)/g, "$1 ");
    fill("typed-spelled", [...typed.code].join(" "));
  }
  showState(typed.state);
  const tick = () => {
    const until = typed.state === "ready" ? typed.expires_at : typed.usable_at;
    const left = until - serverNow();
    fill(typed.state === "ready" ? "typed-code-left" : "typed-left", shownDuration(left));
    fill("typed-when", shownClock(typed.usable_at));
    if (left > 0) timer = window.setTimeout(tick, 1000);
    else if (typed.state === "ready") follow({ ...typed, state: "none" });
    else showState("due");
  };
  if (typed.state !== "none") tick();
}

on("typed", async () => {
  choose("typed", "loading", screen);
  show("typed");
  if (due() && due() <= serverNow()) return showState("due");
  await ask();
});

async function ask() {
  const answer = await get("/fallback");
  if (!answer.granted) return goRoot(answer);
  follow(answer.body);
}

on("reveal", ask);

on("arm", async () => {
  const answer = await post("/fallback");
  if (!answer.granted) return warn(answer);
  follow(answer.body);
});

on("disarm", async () => {
  const answer = await drop("/fallback");
  if (!answer.granted) return warn(answer);
  localStorage.removeItem(DUE);
  goRoot(word("disarmed"));
});

onLeave((left) => {
  if (left === "typed") clearTimeout(timer);
});
