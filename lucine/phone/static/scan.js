// @ts-check
/** The camera, and links that are pasted: both end in the text of a code. */
import { choose, fill, find, on, onForm, onLeave, part, section, show, screenNow, warn, word } from "./screens.js";

const LOOK_EVERY_MS = 120;
const SIDE_MAX = 640; // pixels that jsQR looks at: more is slower and reads no better
const SLOW_AFTER_MS = 15_000;

const screen = section("scan");
const video = find("[data-video]", HTMLVideoElement);
const pasted = find("#paste-link", HTMLInputElement);

/** @typedef {{kind: "scan" | "enrol", value: string} | {kind: "foreign", host: string} | {kind: "unknown"}} Read */

/**
 * What a scanned or pasted text is. A link of another site is named, never followed.
 *
 * @param {string} text
 * @returns {Read}
 */
export function readCode(text) {
  const said = text.trim();
  if (/^https?:/i.test(said)) {
    try {
      const address = new URL(said);
      if (address.origin !== location.origin) return { kind: "foreign", host: address.host };
    } catch {
      return { kind: "unknown" };
    }
  }
  const found = /(?:^|[#?&])(scan|enrol)=([\w.~-]{1,400})$/.exec(said);
  return found ? { kind: /** @type {"scan" | "enrol"} */ (found[1]), value: found[2] } : { kind: "unknown" };
}

/** @type {(found: {kind: "scan" | "enrol", value: string}) => Promise<unknown>} */
let take = () => Promise.resolve();

/** @param {typeof take} act what becomes of a code that was read */
export const onCode = (act) => void (take = act);

/** @param {string} what */
const hint = (what) => choose("scan", what, screen);

/**
 * @param {boolean} enrolling whether the code that is looked for adds this phone
 * @param {boolean} withCamera
 */
export function openScan(enrolling, withCamera) {
  forEnrolment = enrolling;
  title(withCamera);
  pasted.value = "";
  hint("");
  show("scan");
  if (withCamera) void look();
  else {
    part("camera", true);
    pasted.focus();
  }
}

let forEnrolment = false;

/** @param {boolean} camera whether it is open, or opening */
function title(camera) {
  choose("title", !camera ? "paste" : forEnrolment ? "enrol" : "desk", screen);
  part("finder", camera);
  part("no-finder", !camera);
}

/** Counts the openings of the camera: a late answer to an old one is dropped. */
let opening = 0;

async function look() {
  const mine = ++opening;
  title(true);
  part("camera", false);
  hint("starting");
  /** @type {MediaStream} */
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { facingMode: { ideal: "environment" }, width: { ideal: 1280 }, height: { ideal: 720 } },
    });
  } catch (error) {
    if (mine !== opening) return;
    const denied = error instanceof DOMException && error.name === "NotAllowedError";
    return withoutCamera(denied ? "denied" : "none");
  }
  if (mine !== opening || screenNow() !== "scan") return stream.getTracks().forEach((track) => track.stop());
  video.srcObject = stream;
  await video.play().catch(() => {});
  if (mine !== opening) return;
  hint("looking");
  const read = await reader();
  const began = performance.now();
  let last = "";
  while (mine === opening) {
    const text = await read(video).catch(() => "");
    if (mine !== opening) return;
    if (text && text !== last) {
      last = text;
      const found = readCode(text);
      if (found.kind === "scan" || found.kind === "enrol") {
        hint("found");
        video.pause();
        await take(found);
        if (screenNow() === "scan" && mine === opening) closeCamera("");
        return;
      }
      if (found.kind === "foreign") fill("foreign-host", found.host);
      hint(found.kind);
    } else if (!last && performance.now() - began > SLOW_AFTER_MS) hint("slow");
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** @param {string} why */
function withoutCamera(why) {
  closeCamera(why);
  pasted.focus();
}

/** @param {string} why */
function closeCamera(why) {
  opening++;
  const stream = /** @type {MediaStream | null} */ (video.srcObject);
  stream?.getTracks().forEach((track) => track.stop());
  video.srcObject = null;
  title(false);
  part("camera", why !== "none");
  hint(why);
}

/** @returns {Promise<(video: HTMLVideoElement) => Promise<string>>} what reads one picture; "" when nothing is in it */
async function reader() {
  const Detector = /** @type {any} */ (window).BarcodeDetector;
  const formats = Detector ? await Detector.getSupportedFormats().catch(() => []) : [];
  if (formats.includes("qr_code")) {
    const detector = new Detector({ formats: ["qr_code"] });
    return async (source) => (await detector.detect(source))[0]?.rawValue ?? "";
  }
  return readInWorker;
}

/** @type {Worker | null} */
let worker = null;
const canvas = document.createElement("canvas");

/**
 * @param {HTMLVideoElement} source
 * @returns {Promise<string>}
 */
function readInWorker(source) {
  if (!worker) {
    worker = new Worker(screen.dataset.worker ?? "");
    worker.postMessage({ library: new URL(screen.dataset.library ?? "", location.href).href });
  }
  const asked = worker;
  const { videoWidth, videoHeight } = source;
  const side = Math.min(videoWidth, videoHeight);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  if (!side || !pen) return Promise.resolve("");
  canvas.width = canvas.height = Math.min(side, SIDE_MAX);
  pen.drawImage(source, (videoWidth - side) / 2, (videoHeight - side) / 2, side, side, 0, 0, canvas.width, canvas.height);
  const { data, width, height } = pen.getImageData(0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => {
    asked.onmessage = (event) => resolve(event.data);
    asked.onerror = () => {
      worker = null;
      reject(new Error("scanner"));
    };
    asked.postMessage({ pixels: data.buffer, width, height }, [data.buffer]);
  });
}

/** @param {string} text */
async function paste(text) {
  const found = readCode(text);
  pasted.setAttribute("aria-invalid", String(found.kind === "unknown" || found.kind === "foreign"));
  if (found.kind === "foreign") return warn({ words: word("foreign") });
  if (found.kind === "unknown") return warn({ words: word("not-ours") });
  await take(found);
  pasted.value = "";
}

onForm("paste", ({ link }) => paste(link));
// The link of a screen is good for three seconds: pasting it is enough, without one more press.
pasted.addEventListener("paste", () => setTimeout(() => pasted.value && pasted.form?.requestSubmit?.(), 0));
on("camera", () => look());
onLeave((left) => {
  if (left === "scan") closeCamera("");
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden && screenNow() === "scan" && video.srcObject) closeCamera("");
});
