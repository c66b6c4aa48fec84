// Long work shows how far it is and can be cancelled: a back-test, a list of feeds, an export. First with
// a server made up here, that is as slow as it takes to see it and notes who hangs up; then for real.
// usage: HARBINGER_CHROMIUM=/usr/bin/chromium node watch.mjs BASE_URL
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { launch, open } from "./browser.mjs";

const [base] = process.argv.slice(2);
const start = await (await fetch(base, { headers: { accept: "text/html" } })).text();
const address = /<script[^>]*\ssrc="([^"]*\/app[^"]*)"/.exec(start)?.[1];
assert.ok(address, "pages name the script");
const script = await (await fetch(new URL(address, base))).text();

/** What the made-up server is asked for: requests and answers, by path. */
const asked = new Map();
const made = createServer((request, response) => {
  const path = request.url;
  if (path === "/app.js") return response.setHeader("content-type", "text/javascript").end(script);
  if (path === "/" || path === "/elsewhere") {
    return response.setHeader("content-type", "text/html").end(`<!doctype html><html lang="en"><title>Made up</title>
      <link rel="icon" href="data:,"><main id="main"><h1>Made up</h1>
      <form method="post" action="/save"><input id="kept" name="name" aria-label="Name"><p><button formaction="/test" data-long="Back-test">Back-test</button></p></form>
      <form method="post" action="/list" enctype="multipart/form-data"><input name="file" type="file">
      <p><button data-long="List of feeds">Take in</button></p></form>
      <p><a href="/v1/export/jsonl">JSON lines</a> <a href="/elsewhere">Elsewhere</a></p></main><script src="/app.js"></script></html>`);
  }
  const gone = once(response, "close").then(() => !response.writableFinished);
  asked.set(path, { request, response, gone });
});
made.listen(0, "127.0.0.1");
await once(made, "listening");

/** Waits until the made-up server is asked for `path`. */
async function whatAsks(path) {
  for (let n = 0; n < 200; n++) {
    if (asked.has(path)) {
      const it = asked.get(path);
      asked.delete(path);
      return it;
    }
    await new Promise((then) => setTimeout(then, 50));
  }
  assert.fail(`nobody asks for ${path}`);
}

const browser = await launch();
const slow = await open(browser, `http://127.0.0.1:${made.address().port}`, {});
await slow.page.goto("/");
const bar = (name) => slow.page.getByRole("progressbar", { name });
const said = slow.page.locator("[data-said]");

/** Begins anew and cancels with the keyboard; the server must notice. */
async function cancel(name, { request, gone }) {
  const stop = slow.page.getByRole("button", { name: `Cancel: ${name}` });
  await stop.focus();
  await slow.page.keyboard.press("Enter");
  // Who does not read does not see either that nobody sends any more.
  request.resume();
  assert.equal(await gone, true, `${name}: the server is not left`);
  await slow.page.locator("[data-said]", { hasText: "cancelled" }).waitFor({ state: "attached" });
  assert.equal(await bar(name).count(), 0, `${name}: the bar is gone`);
  assert.equal(await said.getAttribute("role"), "status", "what happened is said politely");
}

// A back-test: told line by line.
const button = slow.page.getByRole("button", { name: "Back-test", exact: true });
await button.click();
const test = await whatAsks("/test");
assert.match(test.request.headers.accept, /application\/x-ndjson/);
test.response.writeHead(200, { "content-type": "application/x-ndjson" });
test.response.write('{"n_done":0,"n_total":80}\n{"n_done":60,"n_total":80}\n{"n_do');
await slow.page.getByText("60 of 80 looked at").waitFor();
assert.equal(await bar("Back-test").evaluate((it) => it.position), 0.75);
assert.match(await said.innerText(), /75 percent/);
assert.ok(await button.isDisabled(), "it is not begun twice");
await cancel("Back-test", test);
assert.ok(await button.evaluate((it) => it === document.activeElement), "the keyboard is where it was");

await button.click();
const whole = await whatAsks("/test");
whole.response.writeHead(200, { "content-type": "application/x-ndjson" });
whole.response.end(`{"n_done":80,"n_total":80}\n${JSON.stringify({ html: '<section id="tested"><strong>It fired.</strong></section>' })}\n`);
await slow.page.locator("#tested", { hasText: "It fired." }).waitFor();
assert.equal(await slow.page.locator("[data-watched]").count(), 0, "nothing is left of it");
assert.match(await said.innerText(), /It fired/);
await button.click();
(await whatAsks("/test")).response.writeHead(200, { "content-type": "application/x-ndjson" }).end('{"error":{"message":"too much"}}\n');
await slow.page.getByText("too much").first().waitFor();
await slow.page.locator("#kept").fill("typed");
await button.click();
const busy = await whatAsks("/test");
busy.response.writeHead(503, { "content-type": "text/html" }).end('<main id="main"><p class="deck">come back</p></main>');
await slow.page.getByText("come back").first().waitFor();
assert.equal(await slow.page.locator("#kept").inputValue(), "typed", "what was typed is there");

// A list: the server takes a part of it and then no more.
const file = { name: "list.opml", mimeType: "text/x-opml", buffer: Buffer.alloc(12_000_000, "x") };
await slow.page.locator("input[type=file]").setInputFiles(file);
await slow.page.getByRole("button", { name: "Take in" }).click();
const list = await whatAsks("/list");
list.request.pause();
await slow.page.getByText(/MB of 12.0 MB sent/).waitFor();
await cancel("List of feeds", list);

// An export: bytes so far, and how many articles there are.
await slow.page.getByRole("link", { name: "JSON lines" }).click();
const parts = await whatAsks("/v1/export/jsonl");
parts.response.writeHead(200, { "harbinger-articles": "1200", "content-disposition": 'attachment; filename="harbinger.jsonl"' });
parts.response.write("x".repeat(3_000_000));
await slow.page.getByText("3.0 MB so far, of 1200 articles").waitFor();
// Who leaves while it comes is asked, and stays here.
const questions = [];
slow.page.on("dialog", (it) => { questions.push(it.type()); it.dismiss(); });
await slow.page.getByRole("link", { name: "Elsewhere" }).click({ noWaitAfter: true });
for (let n = 0; n < 200 && questions.length === 0; n++) await new Promise((then) => setTimeout(then, 50));
assert.deepEqual(questions.splice(0), ["beforeunload"], "who leaves while it comes is asked");
assert.equal(new URL(slow.page.url()).pathname, "/");
assert.equal(await bar("Export as JSON lines").count(), 1, "and it goes on");
await slow.page.getByRole("link", { name: "JSON lines" }).click({ force: true });
assert.equal(await slow.page.getByRole("progressbar").count(), 1, "nor is an export");
await cancel("Export as JSON lines", parts);
// What the browser goes on with by itself does not come here any more: nobody is asked.
await slow.page.getByRole("link", { name: "JSON lines" }).click();
(await whatAsks("/v1/export/jsonl")).response.writeHead(302, { location: "/elsewhere" }).end();
(await whatAsks("/v1/export/jsonl")).response.writeHead(204).end();
await slow.page.getByText("asked elsewhere").first().waitFor();
await slow.page.getByRole("link", { name: "Elsewhere" }).click();
await slow.page.waitForURL("**/elsewhere");
assert.deepEqual(questions, [], "nothing comes any more");
await slow.page.getByRole("link", { name: "JSON lines" }).click();
const broken = await whatAsks("/v1/export/jsonl");
broken.response.writeHead(200, { "harbinger-articles": "1200" }).write("x");
await slow.page.getByText("so far, of 1200 articles").waitFor();
broken.response.destroy();
await slow.page.getByText("nothing was saved").first().waitFor();
// What the made-up server does wrong on purpose.
assert.deepEqual(slow.wrong.filter((it) => !/ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET|503/.test(it)), []);
await slow.close();
made.close();

// The real server.
const { page, wrong, close } = await open(browser, base, {});
await page.goto("/alerts/searches/new?q=power+grid");
await page.getByRole("button", { name: "Back-test" }).click();
await page.locator("#tested strong", { hasText: "in 90 days" }).waitFor();
assert.equal(new URL(page.url()).pathname, "/alerts/searches/new", "the page stays");
assert.equal(await page.locator("[name=query]").inputValue(), "power grid", "nothing typed is lost");

await page.goto("/search?q=power+grid");
const link = page.locator('a[href^="/v1/export/jsonl"]').first();
const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
assert.equal(download.suggestedFilename(), "harbinger.jsonl");
const exported = await readFile(await download.path(), "utf8");
const direct = await (await fetch(new URL(await link.getAttribute("href"), base))).text();
assert.ok(exported.length > 100, "articles are in it");
assert.equal(exported.split("\n").length, direct.split("\n").length, "as without a script");
await page.getByText(/done, .* MB of \d+ articles/).first().waitFor();

// A long list over a slow line, cancelled half-way: nothing of it is taken in.
const outline = (n) => `<outline text="Slow ${n}" type="rss" xmlUrl="https://feed-${n}.example/rss"/>`;
const opml = (outlines) => Buffer.from(`<opml version="2.0"><head/><body>${outlines.join("")}</body></opml>`);
await page.goto("/sources");
const line = await page.context().newCDPSession(page);
const uploadThroughput = 200_000;
await line.send("Network.enable");
await line.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput });
const long = opml(Array.from({ length: 20_000 }, (_, n) => outline(n)));
await page.locator("input[type=file]").setInputFiles({ ...file, buffer: long });
await page.getByRole("button", { name: "Take in" }).click();
await page.getByText(/MB of .* MB sent/).waitFor();
await page.getByRole("button", { name: "Cancel: List of feeds" }).click();
await page.getByText("cancelled").first().waitFor();
await line.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
await page.waitForTimeout(1_000);
assert.doesNotMatch(await (await fetch(new URL("/v1/opml", base))).text(), /feed-\d+\.example/);
await page.locator("input[type=file]").setInputFiles({ ...file, buffer: opml([outline(1)]) });
await page.getByRole("button", { name: "Take in" }).click();
await page.locator("main [role=status]", { hasText: "1 source added" }).waitFor();
assert.deepEqual(wrong, []);
await close();
await browser.close();
