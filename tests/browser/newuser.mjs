// What somebody does who has just installed Harbinger and declared three sources: log in, search,
// follow a threat from Today to its evidence, put a wrong name right and see it right everywhere,
// take the graph of an actor along.
// usage: HARBINGER_CHROMIUM=/usr/bin/chromium HARBINGER_USER=… HARBINGER_PASSWORD=… HARBINGER_SOURCES=a,b,c
//        node newuser.mjs BASE_URL FOLDER
import assert from "node:assert/strict";
import { join } from "node:path";
import { DESKTOP, launch, open } from "./browser.mjs";

const [base, folder] = process.argv.slice(2);
const { HARBINGER_USER: user, HARBINGER_PASSWORD: password, HARBINGER_SOURCES: sources } = process.env;
const RIGHT = "The Order of the Copper Gull";
const WAIT_MS = 60_000;

/** Asks again until it holds; what is corrected reaches the search index a moment later. */
async function eventually(what, check) {
  const end = Date.now() + WAIT_MS;
  for (;;) {
    if (await check()) return;
    assert.ok(Date.now() < end, what);
    await new Promise((done) => { setTimeout(done, 500); });
  }
}

const plain = (text) => text.replaceAll(/[\s“”"]+/g, " ").trim();

const browser = await launch();
const { page, wrong, close } = await open(browser, base, { viewport: DESKTOP, acceptDownloads: true });
try {
  await page.goto("/");
  assert.equal(new URL(page.url()).pathname, "/login", "a login is asked for");
  await page.locator("#name").fill(user);
  await page.locator('input[type="password"]').fill(password);
  await Promise.all([page.waitForURL((it) => it.pathname === "/"), page.keyboard.press("Enter")]);

  // The three sources do well.
  await page.goto("/sources");
  for (const it of sources.split(",")) {
    const row = page.locator("tbody tr", { hasText: it });
    assert.equal(await row.count(), 1, `no ${it} among the sources`);
    assert.equal((await row.locator(".state").innerText()).trim(), "well", `how ${it} is doing`);
  }

  // Search.
  await page.locator("[data-search]").fill("kind:threat");
  await Promise.all([page.waitForURL(/\/search\?/), page.keyboard.press("Enter")]);
  assert.ok((await page.locator("li.hit").count()) >= 1, "no threat is found");

  // From Today to the evidence: the sentence of the first threat, in its article or above it.
  await page.goto("/");
  const cards = page.locator(".st.is-threat", { has: page.locator('.who a[href^="/entities/"]') });
  const card = cards.first();
  const sentence = plain(await card.locator("blockquote").first().innerText());
  const actor = card.locator('.who a[href^="/entities/"]').first();
  const wrongName = (await actor.innerText()).trim();
  const wrongHref = await actor.getAttribute("href");
  await card.locator('.foot a[href^="/articles/"]').first().click();
  await page.waitForURL(/\/articles\//);
  // The headline may be what threatens.
  const evidence = (await page.locator("h1, article.read .in").allInnerTexts()).map(plain).join(" ");
  const words = (text) => text.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, "");
  // Marks put words of their own between those of the sentence.
  const own = words(sentence.split(" ").slice(-4).join(" "));
  assert.ok(words(evidence).includes(own), `no evidence for “${sentence}” in “${evidence}”`);
  assert.match(await page.locator(".hash").first().innerText(), /^[0-9a-f]{64}$/, "no hash of the page");

  // Put the actor's name right.
  await page.locator("details.fix summary").click();
  const entity = decodeURIComponent(wrongHref.slice("/entities/".length));
  const form = page.locator("details.fix form", { has: page.locator(`input[name="entity"][value="${entity}"]`) });
  // One who is named in several ways has a form for each: `Denmark` and `Danish`.
  const named = form.and(page.locator("form", { has: page.locator(`input[name="text"][value="${wrongName}"]`) }));
  const change = (await named.count()) > 0 ? named.first() : form.first();
  await change.locator('input[name="to_name"]').fill(RIGHT);
  await Promise.all([page.waitForURL(/\/articles\//), change.getByRole("button", { name: "Change" }).click()]);
  assert.ok((await page.locator("main").innerText()).includes(RIGHT), "the article says the old name");

  // It is right everywhere.
  await page.goto("/corrections");
  assert.ok((await page.locator("tbody").innerText()).includes(RIGHT), "the correction is not listed");
  let right = null;
  await eventually("Today says the old name", async () => {
    await page.goto("/");
    const link = page.locator(".st .who a", { hasText: RIGHT });
    if ((await link.count()) === 0) return false;
    right = await link.first().getAttribute("href");
    return true;
  });
  await eventually("the search does not know the new name", async () => {
    await page.goto(`/search?q=${encodeURIComponent("kind:threat")}`);
    return (await page.locator(`[data-facet="actor"] a`, { hasText: RIGHT }).count()) === 1;
  });
  await page.goto(right);
  assert.equal((await page.locator("h1").innerText()).trim(), RIGHT);
  assert.ok((await page.locator("#as-actor ~ .st").count()) >= 1, "it does nothing");
  assert.equal(await page.locator(".mini .middle").count(), 1, "no small graph");
  await page.screenshot({ path: join(folder, "newuser-entity.png") });

  // Its graph, to take along.
  await page.locator('a[href^="/graph?entity="]').first().click();
  await page.waitForSelector("#graph[data-drawn]");
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.locator('a[href*="as=graphml"]').click(),
  ]);
  await download.saveAs(join(folder, "newuser.graphml"));
  assert.deepEqual(wrong, []);
  console.log(JSON.stringify({ wrongName, sentence, right }));
} catch (error) {
  await page.screenshot({ path: join(folder, "newuser-failed.png") }).catch(() => {});
  console.error(`at ${page.url()}: ${error.stack}\n${wrong.join("\n")}`);
  process.exitCode = 1;
}
await close();
await browser.close();
