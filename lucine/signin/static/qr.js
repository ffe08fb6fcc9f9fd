// @ts-check
/** A text as a QR code, drawn as one SVG path: no image, no inline style, sharp at every size. */
import { qrcode } from "./vendor/qrcode-generator.js";

/** White modules around the code (ISO/IEC 18004 asks for four). */
const QUIET_MODULES = 4;

/**
 * Draws the text into an `<svg>` that holds one `<path>`.
 *
 * @param {SVGSVGElement} svg
 * @param {string} text
 */
export function drawQr(svg, text) {
  const code = qrcode(0, "M");
  code.addData(text, "Byte");
  code.make();
  const count = code.getModuleCount();
  let path = "";
  for (let row = 0; row < count; row++) {
    for (let column = 0; column < count; column++) {
      const from = column;
      while (column < count && code.isDark(row, column)) column++;
      if (column > from) path += `M${from + QUIET_MODULES} ${row + QUIET_MODULES}h${column - from}v1h-${column - from}z`;
    }
  }
  const size = count + 2 * QUIET_MODULES;
  svg.setAttribute("viewBox", `0 0 ${size} ${size}`);
  svg.querySelector("path")?.setAttribute("d", path);
}
