// What the tests in a browser share: its start, and pages that note everything that goes wrong.
import { chromium } from "playwright-core";

const BROWSER_FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const DESKTOP = { width: 1280, height: 900 };

/** Starts the browser that HARBINGER_CHROMIUM names. */
export function launch() {
  const executablePath = process.env.HARBINGER_CHROMIUM ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, headless: true, args: BROWSER_FLAGS });
}

/** Opens a page of `base` that notes in `wrong` what fails and what is asked of another host. */
export async function open(browser, base, options) {
  const { origin } = new URL(base);
  const context = await browser.newContext({ baseURL: base, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const wrong = [];
  page.on("console", (it) => it.type() === "error" && wrong.push(`console: ${it.text()}`));
  page.on("pageerror", (it) => wrong.push(`script: ${it.message}`));
  page.on("response", (it) => it.status() >= 400 && wrong.push(`${it.status()} ${it.url()}`));
  page.on("request", (it) => {
    const url = new URL(it.url());
    if (url.protocol !== "data:" && url.origin !== origin) wrong.push(`asked ${url}`);
  });
  return { page, wrong, close: () => context.close() };
}

/** How many pixels the page is wider than the window. */
export function overflow(page) {
  return page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
}

/** What a page may weigh with all that it loads, compressed. */
export const N_BYTES_MAX = 300_000;

/** Bytes of a page with all that it has loaded, compressed, also when the browser had them before. */
export function weight(page) {
  return page.evaluate(() =>
    [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
      .reduce((sum, it) => sum + it.encodedBodySize, 0),
  );
}
