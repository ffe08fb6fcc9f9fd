// @ts-check
/** Copying, also where the browser keeps the clipboard to itself. */

/**
 * @param {string} text
 * @param {HTMLInputElement} [field] shows the text; selected when the clipboard is closed, so that Ctrl-C does it
 * @returns {Promise<boolean>} whether it was copied
 */
export async function copy(text, field) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    field?.focus();
    field?.select();
    return document.execCommand?.("copy") ?? false;
  }
}
