// @ts-check
/** The advice of the moment: one card on the home screen, under whatever waits (lucine/habits/cards.py). */
import { call } from "./api.js";
import { choose, fill, find, on, part, warn } from "./screens.js";

const card = find('[data-part="card"]', HTMLElement);
let shown = "";

/** Fetches the card that is due now, if any. */
export async function showCard() {
  const answer = await call("GET", "/habits/card");
  if (!answer.granted && answer.status === 0) return; // no network: what stands there stays
  /** @type {Record<string, string> & {urgent: boolean} | null} */
  const due = answer.granted ? answer.body.card : null;
  part("card", Boolean(due));
  if (!due) return;
  if (shown !== due.name) find("[data-more]", HTMLDetailsElement, card).open = false;
  shown = due.name;
  for (const key of ["title", "happened", "now", "done", "why", "source", "reviewed"]) fill(`card-${key}`, due[key]);
  find("[data-card-source]", HTMLAnchorElement, card).href = due.url;
  choose("card-kind", due.urgent ? "urgent" : "advice", card);
  card.dataset.urgent = due.urgent ? "yes" : "no";
}

on("close-card", async () => {
  const answer = await call("POST", `/habits/card/${encodeURIComponent(shown)}/close`, {});
  if (!answer.granted) return warn(answer);
  part("card", false);
  find('[data-screen="home"] h1', HTMLElement).focus({ preventScroll: true });
});
