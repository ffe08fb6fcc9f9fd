// @ts-check
/**
 * One screen at a time, its words, and the Back button of the phone.
 *
 * A root screen (home, welcome ...) is the bottom of the browser's history; every other screen lies
 * one step above it, so that Back always leads to the root, and once more out of the app.
 */

const NEWS_AFTER_MS = 150; // a screen reader first reads the heading that has the focus
const PROBE_EVERY_MS = 4000;
const ROOTS = ["loading", "welcome", "home", "quarantine", "frozen", "offline", "unsupported"];

/**
 * @template {Element} T
 * @param {string} selector
 * @param {new () => T} kind
 * @param {ParentNode} [within]
 * @returns {T}
 */
export function find(selector, kind, within = document) {
  const found = within.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`missing ${selector}`);
  return found;
}

const sections = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("main > [data-screen]")]);
const back = find('[data-action="back"]', HTMLButtonElement);
const alertBox = find("[data-alert-box]", HTMLElement);
const words = find("template[data-words]", HTMLTemplateElement).content;
const announced = find("[data-announced]", HTMLElement);
const name = document.title;

let current = "loading";
/** @type {string | {words: string, reference?: string}} */
let newsForRoot = "";
/** @type {() => void} */
let showRoot = () => {};
/** @type {Set<(screen: string) => void>} */
const leavers = new Set();

/** @returns {string} the screen that is shown */
export const screenNow = () => current;

/** @param {() => void} act what shows the root screen anew */
export const setRoot = (act) => void (showRoot = act);

/** @param {(screen: string) => void} act called with the name of a screen that has just been left */
export const onLeave = (act) => void leavers.add(act);

/**
 * The root screen, as after a press of Back.
 *
 * @param {string | {words: string, reference?: string}} [news] what to say there, or to warn of
 */
export function goRoot(news = "") {
  newsForRoot = news;
  if (history.state?.above) history.back();
  else showRoot();
}

/**
 * @param {string} screen
 * @returns {HTMLElement}
 */
export const section = (screen) => find(`main > [data-screen="${screen}"]`, HTMLElement);

/**
 * Shows one screen, and moves the focus to its heading.
 *
 * @param {string} screen
 */
export function show(screen) {
  const left = current;
  const root = ROOTS.includes(screen);
  current = screen;
  for (const each of sections) each.hidden = each.dataset.screen !== screen;
  document.body.dataset.screenNow = screen;
  back.hidden = root || ["recovery", "stopped", "done"].includes(screen);
  if (!root && !history.state?.above) history.pushState({ above: true }, "");
  if (left !== screen) {
    if (left !== "loading") calm();
    for (const each of document.querySelectorAll("[data-said]")) each.textContent = "";
    for (const leave of leavers) leave(left);
    window.scrollTo(0, 0);
  }
  focusHeading();
  if (root && newsForRoot) {
    const news = newsForRoot;
    newsForRoot = "";
    setTimeout(() => (typeof news === "string" ? say(news) : warn(news)), NEWS_AFTER_MS);
  }
}

/** The heading that can be seen now: of the screen, or of the part of it that is shown. */
export function focusHeading() {
  const heading = [...section(current).querySelectorAll("h1")].find((each) => each.offsetParent !== null);
  if (!heading) return;
  heading.focus({ preventScroll: true });
  const title = (heading.textContent ?? "").replace(/\s+/g, " ").trim();
  document.title = title ? `${title} · ${name}` : name;
}

window.addEventListener("popstate", () => {
  if (location.hash) return; // an address was opened: see phone.js
  // Shown once: not lost by a slip. They are gone from the page once she has noted them.
  if (current === "recovery" && section("recovery").querySelector("li")) return history.pushState({ above: true }, "");
  showRoot();
});

/**
 * @param {string} key
 * @returns {string} a sentence of the template
 */
export function word(key) {
  return find(`[data-word="${key}"]`, HTMLElement, words).textContent ?? "";
}

/**
 * Fills every place of this name.
 *
 * @param {string} place
 * @param {string} text
 */
export function fill(place, text) {
  for (const each of document.querySelectorAll(`[data-fill="${place}"]`)) each.textContent = text;
}

/**
 * Shows or hides every part of this name.
 *
 * @param {string} part
 * @param {boolean} shown
 */
export function part(part, shown) {
  for (const each of document.querySelectorAll(`[data-part="${part}"]`)) /** @type {HTMLElement} */ (each).hidden = !shown;
}

/**
 * Of several elements that carry `data-{attribute}`, shows those with this value.
 *
 * @param {string} attribute
 * @param {string} value
 * @param {ParentNode} [within]
 */
export function choose(attribute, value, within = document) {
  for (const each of within.querySelectorAll(`[data-${attribute}]`))
    /** @type {HTMLElement} */ (each).hidden = each.getAttribute(`data-${attribute}`) !== value;
}

/**
 * A copy of a row's template, with its values.
 *
 * @param {string} row
 * @param {Record<string, string>} values
 * @returns {HTMLElement}
 */
export function makeRow(row, values) {
  const template = find(`template[data-row="${row}"]`, HTMLTemplateElement);
  const made = find("li", HTMLElement, /** @type {DocumentFragment} */ (template.content.cloneNode(true)));
  for (const [key, text] of Object.entries(values)) find(`[data-value="${key}"]`, HTMLElement, made).textContent = text;
  return made;
}

/**
 * Says calmly what did not work, with the number that support can find.
 *
 * @param {{words: string, reference?: string}} refusal
 */
export function warn({ words, reference = "" }) {
  find("[data-alert-words]", HTMLElement).textContent = words || word("network");
  find("[data-alert-number]", HTMLElement).textContent = reference;
  find("[data-alert-reference]", HTMLElement).hidden = !reference;
  alertBox.hidden = false;
  alertBox.scrollIntoView({ block: "nearest" });
}

/** No alert any more. */
export function calm() {
  alertBox.hidden = true;
}

/**
 * Says something that went well, on the screen and to screen readers.
 *
 * @param {string} text
 */
export function say(text) {
  for (const each of document.querySelectorAll("[data-said]")) each.textContent = "";
  const place = section(current).querySelector("[data-said]") ?? announced;
  place.textContent = text;
}

/** @param {string} text for screen readers alone */
export const announce = (text) => void (announced.textContent = text);

/**
 * Ties every button of this name to what it does; a second press waits for the first.
 *
 * @param {string} action
 * @param {(button: HTMLElement) => unknown} act
 */
export function on(action, act) {
  document.addEventListener("click", async (event) => {
    const target = /** @type {Element} */ (event.target);
    const button = /** @type {HTMLElement | null} */ (target.closest(`[data-action="${action}"]`));
    if (!button || (button.closest("form[data-form]") && button.getAttribute("type") !== "button")) return;
    await once(button, () => act(button));
  });
}

/**
 * Ties a form to what it does with its values.
 *
 * @param {string} form
 * @param {(values: Record<string, string>, form: HTMLFormElement) => unknown} act
 */
export function onForm(form, act) {
  const element = find(`form[data-form="${form}"]`, HTMLFormElement);
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    const values = Object.fromEntries([...new FormData(element)].map(([key, value]) => [key, String(value).trim()]));
    await once(find("button:not([type])", HTMLButtonElement, element), () => act(values, element));
  });
}

/**
 * @param {HTMLElement} button
 * @param {() => unknown} act
 */
async function once(button, act) {
  if (button.getAttribute("aria-busy") === "true") return;
  if (button.getAttribute("aria-disabled") === "true") {
    const reason = find("[data-offline-words]", HTMLElement);
    reason.scrollIntoView({ block: "nearest" });
    return announce(reason.textContent ?? "");
  }
  button.setAttribute("aria-busy", "true");
  calm();
  try {
    await act();
  } finally {
    button.removeAttribute("aria-busy");
  }
}

let offline = false;
let probe = 0;
/** @type {Set<(offline: boolean) => void>} */
const listeners = new Set();

/** @returns {boolean} */
export const isOffline = () => offline;

/** @param {(offline: boolean) => void} act called when the network goes, and when it is back */
export const onNetwork = (act) => void listeners.add(act);

/** Whether the house answers: a browser may say "offline" on a computer that serves itself. */
async function answers() {
  try {
    await fetch("/phone/manifest.webmanifest", { cache: "no-store" });
    return true;
  } catch {
    return false;
  }
}

async function lookAtNetwork() {
  clearTimeout(probe);
  const now = !navigator.onLine && !(await answers());
  if (now) probe = window.setTimeout(lookAtNetwork, PROBE_EVERY_MS);
  if (now === offline) return;
  offline = now;
  showNetwork();
  for (const listener of listeners) listener(offline);
}

/** Offline: says so, and holds back every button that needs the network. */
function showNetwork() {
  find("[data-offline-words]", HTMLElement).hidden = !offline;
  document.body.dataset.network = offline ? "off" : "on";
  for (const button of document.querySelectorAll("[data-net]")) {
    if (offline) {
      button.setAttribute("aria-disabled", "true");
      button.setAttribute("aria-describedby", "offline-reason");
    } else {
      button.removeAttribute("aria-disabled");
      if (button.getAttribute("aria-describedby") === "offline-reason") button.removeAttribute("aria-describedby");
    }
  }
}

back.addEventListener("click", () => goRoot());
window.addEventListener("offline", lookAtNetwork);
window.addEventListener("online", lookAtNetwork);
void lookAtNetwork();
