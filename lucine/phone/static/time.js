// @ts-check
/** Times and durations in the page's language, without a word written here. */
import { serverNow } from "./api.js";

const { lang } = document.documentElement;
const language = lang === "en" ? "en-GB" : lang; // hours as in France: 14:32

/**
 * @param {number} at epoch seconds
 * @returns {string} such as "mardi 24 novembre à 14:32"
 */
export function shownDay(at) {
  const when = new Date(at * 1000);
  return new Intl.DateTimeFormat(language, {
    weekday: "long", day: "numeric", month: "long", hour: "2-digit", minute: "2-digit",
  }).format(when);
}

/**
 * @param {number} at epoch seconds
 * @returns {string} such as "14:32"
 */
export function shownClock(at) {
  return new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" }).format(new Date(at * 1000));
}

/**
 * @param {number} at epoch seconds, a moment ago
 * @returns {string} such as "14:32, il y a 12 secondes"
 */
export function shownAgo(at) {
  const ago = Math.max(0, Math.round(serverNow() - at));
  const words = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const told = ago < 60 ? words.format(-ago, "second") : words.format(-Math.round(ago / 60), "minute");
  return `${shownClock(at)}, ${told}`;
}

/**
 * @param {number} seconds
 * @returns {string} such as "1 min 40 s", or "52 min" from five minutes on
 */
export function shownDuration(seconds) {
  const whole = Math.max(0, Math.ceil(seconds));
  /** @type {[number, string][]} */
  const parts = whole >= 300 ? [[Math.round(whole / 60), "minute"]] : [[Math.floor(whole / 60), "minute"], [whole % 60, "second"]];
  return parts
    .filter(([count], index) => count > 0 || (index === 1 && whole === 0))
    .map(([count, unit]) => new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short" }).format(count))
    .join(" ");
}
