// What goes on at the server is looked at again and again: not while nobody sees the page, and no other
// page is taken for it. The pages are made up here; the script is the server's.
// usage: HARBINGER_CHROMIUM=/usr/bin/chromium node progress.mjs BASE_URL
import assert from "node:assert/strict";
import { launch, open } from "./browser.mjs";

const [base] = process.argv.slice(2);
/** Longer than the pause between two looks. */
const A_WHILE_MS = 4_000;

const start = await (await fetch(base, { headers: { accept: "text/html" } })).text();
const script = /<script[^>]*\ssrc="([^"]*\/app[^"]*)"/.exec(start)?.[1];
assert.ok(script, "pages name the script");
const browser = await launch();
const { page, wrong, close } = await open(browser, base, {});

// Whether the page is seen is what the test says.
await page.addInitScript(() => {
  window.isHidden = false;
  Object.defineProperty(Document.prototype, "hidden", { get: () => window.isHidden });
});
let n_asked = 0;
let isMoved = false;
const made = (body) => ({
  contentType: "text/html",
  body: `<!doctype html><html lang="en"><title>Made up</title><link rel="icon" href="data:,">
    <main>${body}</main><script src="${script}"></script></html>`,
});
// Where a redirection leads, no route of the test is asked: a page of the server's, as that of the login.
await page.route("**/made-up", (route) => {
  n_asked += 1;
  if (isMoved) return route.fulfill({ status: 302, headers: { location: "/help" } });
  return route.fulfill(made(n_asked < 4 ? `<p id="how-far" data-progress>${n_asked} of 3</p>` : ""));
});

const howFar = page.locator("#how-far");
await page.goto("/made-up");
await howFar.getByText("2 of 3").waitFor();
await page.evaluate(() => { window.isHidden = true; });
await page.waitForTimeout(500);
const n_before = n_asked;
await page.waitForTimeout(A_WHILE_MS);
assert.equal(n_asked, n_before, "a page that nobody sees asks for nothing");

isMoved = true;
await page.evaluate(() => { window.isHidden = false; });
await page.waitForTimeout(A_WHILE_MS);
assert.ok(n_before < n_asked, "it goes on when it is seen again");
assert.equal(await howFar.count(), 1, "another page does not tell that all is done");

isMoved = false;
await howFar.waitFor({ state: "detached" });
const n_asked_at_end = n_asked;
await page.waitForTimeout(A_WHILE_MS);
assert.equal(n_asked, n_asked_at_end, "nothing is asked for when all is done");
assert.deepEqual(wrong, []);
await close();
await browser.close();
