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

/** Sends a form and waits for the page that answers. */
const send = (form, name) =>
  Promise.all([page.waitForNavigation(), form.getByRole("button", { name, exact: true }).click()]);

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
const article = page.url();
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
await page.goto("/sources");
await picture("sources");

// An act is of another kind, and the name of an outlet is no party: something to see.
await page.goto(article);
await page.locator("details.fix summary").click();
const act = page.locator('details.fix form:has(select[name="kind"])').first();
const kind = act.locator("select");
await kind.selectOption((await kind.inputValue()) === "attempt" ? "attack" : "attempt");
await send(act, "Change");
await page.goto(article);
await page.locator("details.fix summary").click();
const names = page.locator('details.fix form:has(input[name="to_name"])');
const outlet = names.filter({ hasText: "Northgate Wire" });
await send((await outlet.count()) > 0 ? outlet.first() : names.first(), "Names nothing");
await page.goto("/corrections");
await page.locator("[data-progress]").first().waitFor({ state: "detached" });
assert.equal(await page.locator("tbody tr").count(), 2, "two corrections");
await picture("corrections");

await page.goto("/settings");
for (const [name, role] of [["ana", "admin"], ["rita", "analyst"]]) {
  const form = page.locator('form[action="/settings/users"]');
  await form.locator("#user-name").fill(name);
  await form.locator("#user-role").selectOption(role);
  await form.locator("#user-password").fill("a long enough password");
  await send(form, "Add user");
}
assert.equal(await page.locator("#users tbody tr").count(), 2, "two users");
await picture("settings");
assert.deepEqual(wrong, []);
await close();
await browser.close();
