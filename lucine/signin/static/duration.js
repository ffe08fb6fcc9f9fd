// @ts-check
/** Time left, in the page's language, without a word written here. */

/**
 * @param {number} seconds
 * @returns {string} such as "1 min 40 s"
 */
export function shownDuration(seconds) {
  const whole = Math.max(0, Math.ceil(seconds));
  const parts = /** @type {[number, string][]} */ ([[Math.floor(whole / 60), "minute"], [whole % 60, "second"]]);
  return parts
    .filter(([count], index) => count > 0 || (index === 1 && whole === 0))
    .map(([count, unit]) =>
      new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit, unitDisplay: "short" }).format(count),
    )
    .join(" ");
}
