// @ts-check
/**
 * Reads QR codes beside the page where the browser has no BarcodeDetector, so that the camera's
 * picture stays fluid on an old phone. A classic worker: jsQR is a script, not a module.
 */

/** @type {any} */
const scope = self;

scope.onmessage = (/** @type {MessageEvent} */ { data }) => {
  if (data.library) return void scope.importScripts(data.library);
  const { pixels, width, height } = data;
  const found = scope.jsQR(new Uint8ClampedArray(pixels), width, height, { inversionAttempts: "dontInvert" });
  scope.postMessage(found ? found.data : "");
};
