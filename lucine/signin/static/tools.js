// @ts-check
/** Small tools of the pages that show something to carry away: copy, print, time left. */
import { copy } from "./copy.js";
import { shownDuration } from "./duration.js";

const said = document.querySelector("[data-said]");

for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("button[data-copy]"))) {
  const source = document.getElementById(button.dataset.copy ?? "");
  button.hidden = false;
  button.addEventListener("click", async () => {
    const field = source instanceof HTMLInputElement ? source : undefined;
    const lines = Array.from(source?.querySelectorAll("code") ?? [], (line) => line.textContent);
    const copied = await copy(field?.value ?? lines.join("\n"), field);
    if (said) said.textContent = (copied ? button.dataset.copied : button.dataset.byHand) ?? "";
  });
}

for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll('[data-action="print"]'))) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

const countdown = document.querySelector("main[data-seconds]");
if (countdown instanceof HTMLElement) {
  const ends = performance.now() + Number(countdown.dataset.seconds) * 1000;
  const tick = () => {
    const left = (ends - performance.now()) / 1000;
    for (const place of countdown.querySelectorAll("[data-left]")) place.textContent = shownDuration(left);
    const gone = 100 - (100 * left) / Number(countdown.dataset.seconds);
    countdown.querySelector("[data-hand]")?.setAttribute("stroke-dashoffset", String(gone));
    if (left > 0) return void setTimeout(tick, 1000);
    countdown.dataset.state = "over";
    for (const part of /** @type {NodeListOf<HTMLElement>} */ (countdown.querySelectorAll("[data-states]")))
      part.hidden = part.dataset.states !== "over";
  };
  tick();
}
