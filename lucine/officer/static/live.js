// @ts-check
/** The live view renews its parts as the server sends them. Without this file, the page is read anew by hand. */

const RECONNECT_MAX_MS = 15_000;

/**
 * @param {string} selector
 * @returns {HTMLElement}
 */
function find(selector) {
  return /** @type {HTMLElement} */ (document.querySelector(selector));
}

const live = find("[data-live]");
const announced = find("[data-announced]");
const lost = find("[data-lost]");

/**
 * What the reader has opened, scrolled to and stands on stays so, in the part that takes the old one's place.
 *
 * @param {Element} old
 * @param {Element} fresh
 */
function take(old, fresh) {
  for (const open of old.querySelectorAll("details[open]")) fresh.querySelector(`#${open.id}`)?.setAttribute("open", "");
  const held = old.contains(document.activeElement) ? document.activeElement : null;
  const scrolled = Array.from(old.querySelectorAll(".scroll, .plot"), (box) => box.scrollLeft);
  const same = held && fresh.querySelectorAll(held.tagName)[Array.from(old.querySelectorAll(held.tagName)).indexOf(held)];
  old.replaceWith(fresh);
  fresh.querySelectorAll(".scroll, .plot").forEach((box, i) => (box.scrollLeft = scrolled[i] ?? 0));
  if (same instanceof HTMLElement) same.focus({ preventScroll: true });
}

/** @param {string} html */
function renew(html) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  const headline = find("[data-headline]").textContent?.trim();
  for (const fresh of parsed.querySelectorAll("[data-part]")) {
    const old = live.querySelector(`[data-part="${/** @type {HTMLElement} */ (fresh).dataset.part}"]`);
    const already = fresh.innerHTML.trim();
    if (old && old.innerHTML.trim() !== already) take(old, document.importNode(fresh, true));
  }
  const said = find("[data-headline]").textContent?.trim();
  if (said && said !== headline) announced.textContent = said;
}

let failures = 0;

function listen() {
  const source = new EventSource("/watch/events");
  source.addEventListener("parts", (event) => {
    failures = 0;
    lost.hidden = true;
    find("[data-plain]").hidden = true;
    renew(event.data);
  });
  source.addEventListener("over", () => {
    source.close();
    location.assign("/watch");
  });
  source.onerror = () => {
    source.close();
    // One break is nothing to worry her with: proxies end long answers.
    if (failures++ > 0) lost.hidden = false;
    setTimeout(listen, Math.min(500 * 2 ** failures, RECONNECT_MAX_MS));
  };
}

listen();
