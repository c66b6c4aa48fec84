// Testing and adding a source says what is looked at and can be cancelled, and the server then leaves the
// publisher: one made up here, as slow as the test says. Without a script both are plain forms. One source
// fails, which the navigation counts.
// usage: HARBINGER_CHROMIUM=/usr/bin/chromium node sources.mjs BASE_URL
// The server must allow added sources on private addresses (fetch.added_private_addresses).
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { launch, open, overflow } from "./browser.mjs";

const [base] = process.argv.slice(2);
/** Less than a test of a source may take: a server that goes on by itself is noticed. */
const LEFT_WITHIN_MS = 8_000;

const feed = (host) => `<rss version="2.0"><channel><title>The Slow Desk</title><language>en</language>
  <item><title>Ferries run late</title><link>http://${host}/ferries</link></item></channel></rss>`;
const PIERS = ["north", "south", "old", "new", "long", "fish"];
const FERRIES = `<!doctype html><html lang="en"><title>Ferries run late</title><article><h1>Ferries run late</h1>
  ${PIERS.map((it) => `<p>The boats of the ${it} pier ran an hour late on Sunday, since fog lay on the water until noon.</p>`).join("\n")}</article></html>`;

let isSlow = true;
/** Who waits for the start page. */
const waiting = [];
const publisher = createServer((request, response) => {
  const answer = (type, body) => response.setHeader("content-type", type).end(body);
  if (request.url === "/feed.xml") return answer("application/rss+xml", feed(host));
  if (request.url === "/ferries") return answer("text/html", FERRIES);
  if (request.url !== "/") return response.writeHead(404).end();
  if (isSlow) return waiting.push(once(response, "close").then(() => !response.writableFinished));
  return answer("text/html", '<!doctype html><html lang="en"><title>Desk</title><link rel="alternate" type="application/rss+xml" href="/feed.xml">');
});
publisher.listen(0, "127.0.0.1");
await once(publisher, "listening");
const host = `127.0.0.1:${publisher.address().port}`;

const pause = (ms) => new Promise((then) => { setTimeout(then, ms); });

/** Waits until the publisher is asked; the promise in the answer tells whether it is then left. */
async function whoWaits() {
  for (let n = 0; n < 200 && waiting.length === 0; n++) await pause(50);
  assert.equal(waiting.length, 1, "the publisher is asked once");
  return { isLeft: waiting.pop() };
}

const browser = await launch();
const { page, wrong, close } = await open(browser, base, {});
await page.goto("/sources");
const address = page.locator('.form input[name="url"]');
const button = (name) => page.getByRole("button", { name, exact: true });
const said = page.locator("[data-said]");

for (const [words, name] of [["Test", "Test"], ["Add", "New source"]]) {
  await address.fill(`http://${host}/`);
  await button(words).click();
  const { isLeft } = await whoWaits();
  await page.locator("[data-watched]", { hasText: `looking at ${host}…` }).waitFor();
  assert.equal(await said.innerText(), `${name}: looking at ${host}.`, "it is said aloud");
  const bar = page.getByRole("progressbar", { name });
  assert.equal(await bar.evaluate((it) => it.position), -1, "nobody knows how long it takes");
  for (const it of ["Test", "Add"]) assert.ok(await button(it).isDisabled(), `${it} meanwhile`);
  for (const width of [320, 1280]) {
    await page.setViewportSize({ width, height: 640 });
    assert.ok((await overflow(page)) <= 1, `${words}: wider than ${width} px`);
  }
  const stop = page.getByRole("button", { name: `Cancel: ${name}` });
  assert.ok(await stop.evaluate((it) => it === document.activeElement), "the keyboard is at Cancel");
  await page.keyboard.press("Enter");
  const left = await Promise.race([isLeft, pause(LEFT_WITHIN_MS)]);
  assert.equal(left, true, `${words}: the server goes on for nobody`);
  await page.locator('[data-watched="ended"]', { hasText: "cancelled" }).waitFor();
  assert.equal(await page.getByRole("progressbar").count(), 0, "the bar is gone");
  assert.ok(await button(words).evaluate((it) => it === document.activeElement), "the keyboard is where it was");
  assert.equal(await address.inputValue(), `http://${host}/`, "nothing typed is lost");
}
const { sources } = await (await fetch(new URL("/v1/sources", base))).json();
assert.ok(!sources.some((it) => it.address.includes(host)), "nothing was added");

isSlow = false;
await button("Test").click();
await page.locator(".tested .deck", { hasText: "It can be read" }).waitFor();
assert.equal(new URL(page.url()).pathname, "/sources", "the page stays");
assert.equal(await page.locator("[data-watched]").count(), 0, "nothing is left of it");
assert.match(await said.innerText(), /It can be read/);
assert.equal(await address.inputValue(), `http://${host}/`);
assert.ok(await page.locator("main").evaluate((it) => it === document.activeElement), "what was found is next");
await button("Add").click();
await page.locator("main [role=status]", { hasText: "The Slow Desk is read from now on." }).waitFor();
assert.equal(await page.locator("tbody tr", { hasText: "The Slow Desk" }).count(), 1);

// What fails is counted beside the link, and Today says of how many.
await page.goto("/");
const nav = page.getByRole("navigation", { name: "Main" });
assert.equal(await nav.getByRole("link", { name: "Sources 1 source fails" }).count(), 1);
for (const width of [320, 1280]) {
  await page.setViewportSize({ width, height: 640 });
  assert.ok((await overflow(page)) <= 1, `Today: wider than ${width} px`);
  assert.ok(await nav.locator(".badge").isVisible(), `the count at ${width} px`);
}
await page.getByRole("link", { name: /^1 of \d+ sources failed at their last poll$/ }).click();
await page.waitForURL((it) => it.pathname === "/sources");
assert.deepEqual(wrong, []);
await close();

const bare = await open(browser, base, { javaScriptEnabled: false });
await bare.page.goto("/sources");
await bare.page.locator('.form input[name="url"]').fill(`http://${host}/`);
await bare.page.getByRole("button", { name: "Test", exact: true }).click();
await bare.page.locator(".tested .deck", { hasText: "It can be read" }).waitFor();
assert.equal(new URL(bare.page.url()).pathname, "/sources/test", "a plain form");
await bare.page.getByRole("button", { name: "Add", exact: true }).click();
await bare.page.locator("[role=alert]", { hasText: "is read already" }).waitFor();
assert.deepEqual(bare.wrong, []);
await bare.close();
publisher.closeAllConnections();
publisher.close();
await browser.close();
