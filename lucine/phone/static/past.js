// @ts-check
/** What she answered before; and "it was not me", after all. */
import { get, post } from "./api.js";
import { choose, fill, find, focusHeading, makeRow, on, part, show, warn } from "./screens.js";
import { shownDay } from "./time.js";

/** @typedef {{ask: string, service: string, browser: string, place: string, at: number, answer: string, disowned: boolean}} Past */

/** @type {Past | null} */
let chosen = null;

on("history", async () => {
  const list = find('[data-list="past"]', HTMLElement);
  list.replaceChildren();
  part("no-past", false);
  part("some-past", false);
  show("history");
  const answer = await get("/history");
  if (!answer.granted) return warn(answer);
  /** @type {Past[]} */
  const past = answer.body.history;
  list.replaceChildren(...past.map(rowOf));
  part("no-past", past.length === 0);
  part("some-past", past.length > 0);
  focusHeading();
});

/** @param {Past} past */
function rowOf(past) {
  const detail = [past.browser, past.place].filter(Boolean).join(" · ");
  const when = shownDay(past.at);
  const row = makeRow("past", { service: past.service, when, detail, named: ` (${past.service}, ${when})` });
  choose("answer", past.disowned ? "disowned" : past.answer, row);
  const button = find("button", HTMLButtonElement, row);
  button.hidden = past.answer !== "approved" || past.disowned;
  button.addEventListener("click", () => {
    chosen = past;
    fill("past-service", past.service);
    fill("past-browser", past.browser);
    fill("past-place", past.place);
    fill("past-when", when);
    show("disown");
  });
  return row;
}

on("disown", async () => {
  if (!chosen) return;
  const answer = await post(`/history/${encodeURIComponent(chosen.ask)}/not-me`);
  if (!answer.granted) return warn(answer);
  chosen = null;
  part("was-waiting", false);
  part("was-approved", true);
  show("stopped");
});
