// A page that is open tells of what comes in: Today of statements, Alerts of alerts, both in the
// navigation. Nothing is reloaded before the reader says so.
// usage: HARBINGER_CHROMIUM=/usr/bin/chromium HARBINGER_PAGES=URL,URL node live.mjs BASE_URL
// HARBINGER_PAGES are articles that the server does not have yet; each holds a threat for which a saved
// search fires once.
import assert from "node:assert/strict";
import { DESKTOP, launch, open, overflow } from "./browser.mjs";

const [base] = process.argv.slice(2);
const [first, second] = process.env.HARBINGER_PAGES.split(",");
/** Longest time from an article to what is told of it. */
const timeout = 60_000;

const browser = await launch();
const { page, wrong, close } = await open(browser, base, { viewport: DESKTOP });
const notice = page.locator("[data-new]");
const badge = page.locator('nav a[href="/alerts"] .badge');
const said = page.locator("[data-said]");

/** Opens a page, and waits until it listens. */
async function listen(path) {
  const stream = page.waitForResponse((it) => new URL(it.url()).pathname === "/v1/events");
  await page.goto(path);
  await stream;
  assert.ok(await notice.isHidden(), `${path}: nothing is new yet`);
}

/** Names an article to the server, as a program does. */
async function submit(url) {
  const answer = await fetch(new URL("/v1/articles", base), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ url }),
  });
  assert.equal(answer.status, 201, await answer.text());
}

/** Waits until the notice is seen, with the number in the navigation; nothing else has changed. */
async function told(words, items, n_alerts) {
  const n_before = await items.count();
  await submit(n_alerts === 1 ? first : second);
  await notice.getByRole("link", { name: words }).waitFor({ timeout });
  await page.waitForFunction(
    (n) => document.querySelector('nav a[href="/alerts"] .badge')?.textContent === String(n),
    n_alerts,
    { timeout },
  );
  assert.equal(await items.count(), n_before, "what is being read stays as it is");
  assert.match(await said.innerText(), new RegExp(words), "it is said aloud");
  assert.equal(await said.getAttribute("role"), "status");
  for (const width of [320, DESKTOP.width]) {
    await page.setViewportSize({ width, height: 640 });
    assert.ok((await overflow(page)) <= 1, `wider than ${width} px`);
    assert.ok(await notice.getByRole("link").isVisible());
  }
  await Promise.all([page.waitForEvent("load"), notice.getByRole("link").click()]);
  await items.nth(n_before).waitFor({ timeout });
  assert.ok(await notice.isHidden(), "it is shown now");
  assert.equal(await badge.innerText(), String(n_alerts), "the server counts as the page did");
}

await listen("/");
assert.equal(await badge.count(), 0, "no alert yet");
await told("New statements have come in", page.locator(".st"), 1);
await listen("/alerts");
assert.equal(await badge.innerText(), "1");
await told("New alerts have come in", page.locator(".alert"), 2);
assert.deepEqual(wrong, []);
await close();
await browser.close();
