// A new user's first walk: search "power grid", open a story, an article, follow an actor.
// On a desktop, on a phone, and without JavaScript; nothing may be asked of any other host.
// usage: HARBINGER_CHROMIUM=/usr/bin/chromium node journey.mjs BASE_URL SCREENSHOT_FOLDER
import assert from "node:assert/strict";
import { join } from "node:path";
import { DESKTOP, N_BYTES_MAX, launch, open, overflow, weight } from "./browser.mjs";

const [base, folder] = process.argv.slice(2);

/** Takes a picture; the width of the text must fit that of the window. */
async function picture(page, name) {
  const n_wider = await overflow(page).catch(() => 0);
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: false });
  assert.ok(n_wider <= 1, `${name}: the page is ${n_wider} px wider than the window`);
}

/** Waits for the heading of the page and returns its words. */
async function heading(page) {
  const text = (await page.locator("h1").first().innerText()).trim();
  assert.notEqual(text, "", `no heading on ${page.url()}`);
  return text;
}

/** Opens the first story among the hits that several outlets tell; not every hit is in one. */
async function openStory(page, hits) {
  const n_hits = await hits.count();
  const titles = [];
  for (let n = 0; n < n_hits; n++) {
    await hits.nth(n).locator('a[href^="/stories/"]').click();
    await page.waitForURL(/\/stories\//);
    const storyTitle = await heading(page);
    const timeline = page.locator('ol.line a[href^="/articles/"]');
    if ((await timeline.count()) >= 2) return { storyTitle, timeline };
    titles.push(storyTitle);
    await page.goBack();
    await page.waitForURL(/\/search\?/);
  }
  assert.fail(`no story has two articles: ${titles.join("; ")}`);
}

/** From an actor to its graph: drawn, narrowed in time, an edge traced to its evidence. */
async function followGraph(page, name) {
  await page.locator('a[href^="/graph?entity="]').first().click();
  await page.waitForURL(/\/graph\?/);
  assert.match(await heading(page), /^Graph of /);
  const n_rows = await page.locator("table.edges tbody tr").count();
  assert.ok(n_rows >= 2, `only ${n_rows} edges`);
  assert.ok((await page.locator('a[href^="/v1/export/stix?entity="]').count()) === 1, "no export");
  if (name === "no-script") {
    await picture(page, `${name}-6-graph`);
    return { n_rows };
  }
  await page.waitForSelector("#graph[data-drawn]");
  const n_drawn = Number(await page.locator("#graph").getAttribute("data-drawn"));
  assert.ok(n_drawn >= n_rows, `${n_drawn} edges drawn, ${n_rows} in the table`);
  const bytes = await weight(page);
  assert.ok(50_000 < bytes && bytes < N_BYTES_MAX, `the graph page weighs ${bytes} bytes`);
  await page.locator("#canvas").scrollIntoViewIfNeeded();
  await picture(page, `${name}-6-graph`);

  const span = page.locator("#span");
  const whole = await span.innerText();
  await page.locator("#since").fill("600");
  assert.notEqual(await span.innerText(), whole, "the slider changes nothing");
  await page.locator("#since").fill("0");
  // The middle of a hostile edge that no node or name covers; the library keeps itself at its box.
  const at = await page.evaluate(() => {
    const cy = document.getElementById("canvas")._cyreg.cy;
    const box = document.getElementById("canvas").getBoundingClientRect();
    const covers = (it, { x, y }) => it.x1 <= x && x <= it.x2 && it.y1 <= y && y <= it.y2;
    const nodes = cy.nodes(":visible").map((it) => it.renderedBoundingBox());
    const inner = { x1: 2, y1: 2, x2: box.width - 2, y2: box.height - 2 };
    const points = [...cy.edges(":visible:not(.quiet)"), ...cy.edges(":visible")]
      .map((it) => it.renderedMidpoint())
      .filter((point) => covers(inner, point));
    const point = points.find((it) => !nodes.some((node) => covers(node, it))) ?? points[0];
    return { x: box.x + point.x, y: box.y + point.y };
  });
  await page.mouse.click(at.x, at.y);
  const evidence = page.locator('#panel .proof a[href^="/articles/"]');
  assert.ok((await evidence.count()) >= 1, "no evidence beside the edge");
  await picture(page, `${name}-7-edge`);
  return { n_rows, n_drawn, bytes, span: whole, evidence: await evidence.first().innerText() };
}

/** The chart of a search: a range that is marked, or a bar that is clicked, narrows it. */
async function brush(page, name) {
  const bars = page.locator(".hist a[data-n]");
  assert.ok((await bars.count()) >= 1, "no bars");
  if (name === "phone" || name === "no-script") {
    assert.equal(await page.locator(".hist[data-drawn]").count(), 0, "the bars stay");
    const [href, n] = await bars.first().evaluate((it) => [it.getAttribute("href"), Number(it.dataset.n)]);
    await page.goto(href);
    assert.match(await page.innerText(".bar b"), new RegExp(`^${n} article`), href);
    return page.goBack();
  }
  await page.waitForSelector(".hist[data-drawn]");
  const over = page.locator(".u-over");
  const box = await over.boundingBox();
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + 2, y);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2, y, { steps: 5 });
  assert.match(await page.innerText(".axis"), / to .*: \d+ article/, "what is marked is said");
  await picture(page, `${name}-2-brush`);
  await Promise.all([page.waitForURL(/from=\d{4}-\d\d-\d\d&to=\d{4}-\d\d-\d\d/), page.mouse.up()]);
  assert.match(new URL(page.url()).searchParams.get("q"), /power grid/, "the query stays");
  assert.notEqual(await page.locator("#from").inputValue(), "", "the field says so too");
  await page.goBack();
  await page.waitForSelector(".hist[data-drawn]");
  const { x, n } = await page.evaluate(() => {
    const all = Number(document.querySelector(".hist").dataset.bars);
    const bar = [...document.querySelectorAll(".hist a[data-n]")].at(-1);
    const { left, width } = document.querySelector(".u-over").getBoundingClientRect();
    return { x: left + ((Number(bar.dataset.at) + 0.5) * width) / all, n: Number(bar.dataset.n) };
  });
  await Promise.all([page.waitForURL(/from=/), page.mouse.click(x, y)]);
  assert.match(await page.innerText(".bar b"), new RegExp(`^${n} article`), "the articles of that bar");
  return page.goBack();
}

/** What the chosen hit says stands beside the list; a long facet is narrowed by typing. */
async function look(page, name) {
  const preview = page.locator("#preview");
  const isWide = name !== "phone" && name !== "no-script";
  if (!isWide) {
    assert.ok(await preview.isHidden(), "no room, or no script, for a preview");
    if (name === "no-script") assert.equal(await page.locator(".find").count(), 0);
    return {};
  }
  const heads = page.locator('[aria-label="Results"] li.hit h3');
  for (const n of [0, 1]) {
    await page.keyboard.press("j");
    const title = (await heads.nth(n).innerText()).trim();
    await page.locator("#preview h2", { hasText: title }).waitFor();
  }
  assert.ok((await preview.locator(".text p").count()) >= 2, "the preview has no text");
  assert.match(page.url(), /\/search\?/, "without leaving");
  await picture(page, `${name}-2-preview`);
  await heads.first().hover();
  await page.locator("#preview h2", { hasText: (await heads.first().innerText()).trim() }).waitFor();

  await page.goto("/search");
  const box = page.locator('[data-facet="actor"]');
  const find = box.locator(".find");
  const hidden = box.locator("details li").last();
  assert.ok(await hidden.isHidden(), "it is behind “more”");
  const words = (await hidden.locator("a").textContent()).trim();
  await find.fill(words.slice(0, 6).toUpperCase());
  // The rest of a long facet may come meanwhile, so that another one is the last.
  await box.locator("li:visible", { hasText: words }).first().waitFor();
  const n_left = await box.locator("li:visible").count();
  assert.ok(n_left < (await box.locator("li").count()), "nothing is narrowed");
  await find.fill("no such name");
  assert.match(await box.innerText(), /None of that name/);
  await find.fill("");
  await page.goBack();
  return { words, n_left };
}

/** From the start page to an actor; returns what was seen. */
async function walk(page, name) {
  await page.goto("/");
  assert.match(await page.title(), /Harbinger/);
  await picture(page, `${name}-1-today`);

  const box = page.locator('input[name="q"]').first();
  await box.fill("power grid");
  await box.press("Enter");
  await page.waitForURL(/\/search\?/);
  const hits = page.locator('[aria-label="Results"] li.hit');
  assert.ok((await hits.count()) >= 1, "nothing found for power grid");
  const found = await hits.allInnerTexts();
  assert.ok(/power|grid|Strom/i.test(found[0]), `the first hit is about something else: ${found[0]}`);
  await picture(page, `${name}-2-search`);
  const facet = await look(page, name);
  await brush(page, name);

  const { storyTitle, timeline } = await openStory(page, hits);
  await picture(page, `${name}-3-story`);

  await timeline.first().click();
  await page.waitForURL(/\/articles\//);
  const articleTitle = await heading(page);
  assert.ok((await page.locator("article.read .text p").count()) >= 3, "no text");
  await picture(page, `${name}-4-article`);

  const actor = page.locator('a.actor[href^="/entities/"], .who a[href^="/entities/"]').first();
  const actorName = (await actor.innerText()).trim();
  await actor.click();
  await page.waitForURL(/\/entities\//);
  const entity = await heading(page);
  await picture(page, `${name}-5-actor`);
  const graph = await followGraph(page, name);
  return { n_hits: found.length, storyTitle, articleTitle, actorName, entity, graph, facet };
}

const browser = await launch();
const walks = {
  desktop: { viewport: DESKTOP },
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
  "no-script": { viewport: DESKTOP, javaScriptEnabled: false },
  dark: { viewport: DESKTOP, colorScheme: "dark" },
};
let failed = false;
for (const [name, options] of Object.entries(walks)) {
  const { page, wrong, close } = await open(browser, base, options);
  try {
    const seen = await walk(page, name);
    assert.deepEqual(wrong, []);
    console.log(`${name}: ${JSON.stringify(seen)}`);
  } catch (error) {
    failed = true;
    await page.screenshot({ path: join(folder, `${name}-failed.png`) }).catch(() => {});
    console.error(`${name}: at ${page.url()}: ${error.message}\n${wrong.join("\n")}`);
  }
  await close();
}
await browser.close();
process.exit(failed ? 1 : 0);
