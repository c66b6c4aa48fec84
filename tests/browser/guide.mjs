// Takes the pictures of docs/guide.md from the sample wire.
// usage: HARBINGER_CHROMIUM=/usr/bin/chromium node guide.mjs BASE_URL FOLDER
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { launch, open } from "./browser.mjs";

const [base, folder] = process.argv.slice(2);
const N_BYTES_MAX = 250_000;
const browser = await launch();
const { page, wrong, close } = await open(browser, base, { viewport: { width: 960, height: 600 } });

async function picture(name) {
  const path = join(folder, `guide-${name}.png`);
  await page.screenshot({ path });
  const { size } = statSync(path);
  assert.ok(size <= N_BYTES_MAX, `guide-${name}.png has ${size} bytes`);
  console.log(`guide-${name}.png: ${size} bytes`);
}

await page.goto("/");
await picture("today");
await page.goto("/search?q=power+grid");
await page.waitForSelector(".hist[data-drawn]");
await picture("search");
await page.goto("/stories");
await picture("stories");
await page.goto("/search?q=power+grid");
await page.locator('[aria-label="Results"] a[href^="/stories/"]').first().click();
await page.waitForURL(/\/stories\//);
await picture("story");
await page.locator('ol.line a[href^="/articles/"]').first().click();
await page.waitForURL(/\/articles\//);
await picture("article");
await page.locator('.who a[href^="/entities/"]').first().click();
await page.waitForURL(/\/entities\//);
await page.waitForSelector(".hist[data-drawn]");
await picture("entity");
await page.locator('a[href^="/graph?entity="]').first().click();
await page.waitForSelector("#graph[data-drawn]");
await page.locator("#canvas").scrollIntoViewIfNeeded();
await picture("graph");
await page.goto("/map");
await picture("map");
await page.goto("/alerts/searches/new?q=power+grid&kind=threat");
await page.locator('input[name="name"]').fill("Threats to the grid");
await picture("alert");
assert.deepEqual(wrong, []);
await close();
await browser.close();
