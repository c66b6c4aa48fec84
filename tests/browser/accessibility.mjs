// Every page for everybody: WCAG 2.2 AA as far as axe can tell, in light and dark, wide and
// narrow; keys alone lead everywhere, and what has the focus is seen.
// usage: HARBINGER_CHROMIUM=/usr/bin/chromium node accessibility.mjs BASE_URL SCREENSHOT_FOLDER
// Where a login is asked for, HARBINGER_USER and HARBINGER_PASSWORD name somebody.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { DESKTOP, N_BYTES_MAX, launch, open, overflow, weight } from "./browser.mjs";

const [base, folder] = process.argv.slice(2);
const { HARBINGER_USER: user, HARBINGER_PASSWORD: password } = process.env;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
/** A desktop, a phone, and the narrowest window that text must fit (WCAG 1.4.10). */
const SIZES = {
  desktop: DESKTOP,
  phone: { width: 390, height: 844 },
  narrow: { width: 320, height: 640 },
};
const SCHEMES = ["light", "dark"];
const N_TABS_MAX = 1_500;

/** What is wrong, and everywhere that it is. */
const problems = new Map();
const note = (where, what) => problems.set(what, [...(problems.get(what) ?? []), where]);

/** Runs axe on what is shown. Devtools evaluate it, so the page's own policy does not matter. */
async function axe(page, where) {
  if (!(await page.evaluate("typeof axe === 'object'"))) await page.evaluate(AXE);
  const violations = await page.evaluate(async (tags) => {
    const options = { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] };
    return (await axe.run(document, options)).violations.map((it) => ({
      id: it.id, impact: it.impact, help: it.help, n: it.nodes.length,
      nodes: it.nodes.slice(0, 5).map((at) => `${at.target.join(" ")}: ${at.failureSummary}`),
    }));
  }, TAGS);
  for (const it of violations) {
    const nodes = it.nodes.map((at) => `\n    ${at.replaceAll(/\s*\n\s*/g, " ")}`).join("");
    note(where, `${it.id} (${it.impact}, ${it.n} places): ${it.help}${nodes}`);
  }
}

/** Opens what is folded away, so that it is looked at too. */
const unfold = (page) =>
  page.evaluate(() => { for (const it of document.querySelectorAll("details")) it.open = true; });

/** One page in each scheme and size. */
async function inspect(page, name) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    await page.setViewportSize(viewport);
    for (const colorScheme of SCHEMES) {
      const where = `${name}-${size}-${colorScheme}`;
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      if (size !== "narrow") await axe(page, where);
      await page.screenshot({ path: join(folder, `${where}.png`) });
    }
    const n_wider = await overflow(page);
    if (n_wider > 1) note(`${name}-${size}`, `${n_wider} px wider than the window`);
  }
  await page.setViewportSize(DESKTOP);
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
}

/** What has the focus: its words, whether it is marked by the colour of the focus, and in sight. */
const focused = (page) => page.evaluate(() => {
  const it = document.activeElement;
  if (!it || it === document.body || it === document.documentElement) return null;
  const style = getComputedStyle(it);
  const box = it.getBoundingClientRect();
  const words = (it.getAttribute("aria-label") ?? it.textContent).trim().replaceAll(/\s+/g, " ");
  const hex = getComputedStyle(document.documentElement).getPropertyValue("--focus").trim();
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  const color = `rgb(${red}, ${green}, ${blue})`;
  const hasOutline = style.outlineStyle !== "none" && style.outlineColor === color
    && parseFloat(style.outlineWidth) >= 1;
  return {
    name: `${it.tagName.toLowerCase()}${it.id && `#${it.id}`} "${words.slice(0, 40)}"`,
    isMarked: hasOutline || style.boxShadow.includes(color),
    isSeen: box.width > 1 && box.height > 1 && box.bottom > 0 && box.right > 0
      && box.top < innerHeight && box.left < innerWidth,
  };
});

/** Goes through the whole page with Tab; everything on the way must be seen to have the focus. */
async function tabThrough(page, name) {
  await page.evaluate(() => {
    const start = document.createElement("span");
    start.tabIndex = -1;
    document.body.prepend(start);
    start.focus();
    start.remove();
  });
  const where = `${name}, with Tab`;
  const first = await press(page, "Tab");
  if (!first?.name.includes("Skip")) note(where, `first comes ${first?.name}`);
  let n_stops = 0;
  for (let it = first; it && n_stops < N_TABS_MAX; it = await press(page, "Tab")) {
    if (n_stops > 0 && it.name === first.name) break;
    n_stops++;
    if (!it.isSeen) note(where, `${it.name} is out of sight`);
    if (!it.isMarked) note(where, `the focus is not seen on ${it.name}`);
  }
  if (n_stops === N_TABS_MAX) note(where, "never ends");
  return n_stops;
}

async function press(page, key) {
  await page.keyboard.press(key);
  return focused(page);
}

/** The addresses of one page of each kind. */
async function addresses(page) {
  const json = async (path) => {
    const answer = await page.request.get(path);
    assert.ok(answer.ok(), `${path}: ${answer.status()}`);
    return answer.json();
  };
  const { hits } = await json("/v1/search?q=kind:threat&limit=50");
  const hit = hits.find((it) => it.actors.length > 0 && it.story) ?? hits[0];
  const actor = encodeURIComponent(hit.actors[0].id);
  const { saved_searches: [saved] } = await json("/v1/saved-searches");
  return {
    today: "/",
    stories: "/stories",
    "stories-empty": "/stories?kind=denial&sector=/space&days=1",
    search: "/search?q=power+grid",
    "search-error": "/search?q=actor:",
    "search-empty": "/search?q=nosuchwordanywhere",
    story: `/stories/${hit.story}`,
    article: `/articles/${hit.id}`,
    entity: `/entities/${actor}`,
    "graph-start": "/graph",
    graph: `/graph?entity=${actor}`,
    map: "/map",
    alerts: "/alerts",
    "saved-search-new": "/alerts/searches/new?q=power+grid",
    ...(saved && { "saved-search": `/alerts/searches/${saved.id}` }),
    sources: "/sources",
    corrections: "/corrections",
    settings: "/settings",
    help: "/help",
    "not-found": "/nowhere",
  };
}

/** Corrects something and adds a user, so that those lists have lines; with keys alone. */
async function fill(page, article) {
  await page.goto(article);
  await page.locator("details.fix summary").focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  await page.goto("/settings");
  for (const [form, name] of [["users", "rita"], ["keys", "dashboard"]]) {
    await page.locator(`form[action="/settings/${form}"] input[name=name]`).focus();
    await page.keyboard.type(name);
    if (form === "users") {
      await page.locator("#user-password").focus();
      await page.keyboard.type("a long enough password");
    }
    await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
    await page.goto("/settings");
  }
}

/** The form is looked at, refused once, then filled with keys alone. */
async function logIn(page) {
  await page.goto("/login");
  if (new URL(page.url()).pathname !== "/login") return;
  assert.ok(user && password, "HARBINGER_USER and HARBINGER_PASSWORD must name somebody");
  const enter = async (words) => {
    await page.locator("#name").focus();
    await page.keyboard.press("Control+A");
    await page.keyboard.type(user);
    await page.keyboard.press("Tab");
    await page.keyboard.type(words);
    await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  };
  await inspect(page, "login");
  await tabThrough(page, "login");
  await enter("not the password");
  await inspect(page, "login-refused");
  await enter(password);
  assert.equal(new URL(page.url()).pathname, "/", "logged in");
}

/** The keys that /help promises. */
async function keys(page) {
  const active = (selector) =>
    page.evaluate((it) => document.activeElement.matches(it), selector);
  await page.goto("/");
  assert.match((await press(page, "Tab")).name, /Skip/, "the skip link comes first");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  assert.ok(await active("main *"), "the skip link leads into the text");

  await page.keyboard.press("/");
  assert.ok(await active("[data-search]"), "/ goes to the search box");
  await page.keyboard.type("j?/");
  assert.equal(await page.locator("[data-search]").inputValue(), "j?/", "keys are letters there");
  await page.keyboard.press("Escape");
  assert.equal(await focused(page), null, "Escape leaves the box");

  const items = page.locator("[data-item]");
  assert.ok((await items.count()) >= 2, "too few items to walk through");
  const isAt = (n) => items.nth(n).evaluate((it) => it === document.activeElement);
  for (const [key, n] of [["j", 0], ["j", 1], ["k", 0], ["k", 0]]) {
    const { name, isMarked, isSeen } = await press(page, key);
    assert.ok(await isAt(n), `${key} leads to ${name}`);
    assert.ok(isSeen && isMarked, `${name} is not seen to have the focus`);
  }
  await axe(page, "today with a focused item");
  await page.screenshot({ path: join(folder, "keys-item.png") });
  const href = await items.first().getAttribute("data-href");
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  assert.ok(page.url().endsWith(href), `Enter opened ${page.url()}, not ${href}`);

  await Promise.all([page.waitForURL((it) => it.pathname === "/"), page.keyboard.press("g")]);
  await page.keyboard.press("?");
  await page.waitForSelector("dialog[open]");
  for (const colorScheme of SCHEMES) {
    await page.emulateMedia({ colorScheme });
    await axe(page, `keys-dialog-${colorScheme}`);
    await page.screenshot({ path: join(folder, `keys-dialog-${colorScheme}.png`) });
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("dialog[open]").count(), 0, "Escape closes the list of keys");

  await page.keyboard.press("/");
  await page.keyboard.type("the");
  await Promise.all([page.waitForURL(/\/search\?/), page.keyboard.press("Enter")]);
  await page.keyboard.press("/");
  assert.ok(await active("#q"), "/ goes to the query");
  await page.keyboard.press("Escape");
  // Each story is one hit, so that the sample wire fits on one page.
  await page.goto("/search?q=the&limit=5");
  const next = await page.locator("[data-next]").getAttribute("href");
  await Promise.all([page.waitForNavigation(), page.keyboard.press("n")]);
  assert.ok(page.url().endsWith(next), `n opened ${page.url()}`);
}

/** s saves a search; a watches for statements like one, and says that an alert is seen. */
async function actingKeys(page) {
  const pressed = async (key, pattern) => {
    await Promise.all([page.waitForURL(pattern), page.keyboard.press(key)]);
    return new URL(page.url()).searchParams;
  };
  await page.goto("/search?q=power+grid&kind=attack");
  const search = await pressed("s", /\/alerts\/searches\/new\?/);
  assert.deepEqual([search.get("q"), search.get("kind")], ["power grid", "attack"]);
  await page.goto("/");
  await page.keyboard.press("a");
  assert.equal(new URL(page.url()).pathname, "/", "nothing is in focus yet");
  await page.keyboard.press("j");
  const watched = await pressed("a", /\/alerts\/searches\/new\?/);
  assert.ok(watched.get("kind"), page.url());
  const parties = page.locator('input[name="actor"]:checked, input[name="target"]:checked');
  assert.ok((await parties.count()) >= 1, "actor or target");

  await page.goto("/alerts");
  const items = page.locator("[data-item]");
  assert.ok((await items.count()) >= 2, "too few alerts");
  const state = (n) => items.nth(n).getAttribute("data-state");
  const saved = (which) => page.waitForResponse((it) => it.request().method() === "POST" && it.url().includes("/alerts/") && it.request().postData().includes(`state=${which}`));
  await page.keyboard.press("j");
  await Promise.all([saved("seen"), page.keyboard.press("a")]);
  await page.waitForFunction(() => document.querySelectorAll("[data-item]")[1] === document.activeElement);
  assert.deepEqual([await state(0), await state(1)], ["seen", "new"], "and on to the next");
  assert.match(await page.locator("[data-said]").innerText(), /Seen/, "it is said aloud");
  await page.keyboard.press("k");
  await Promise.all([saved("new"), page.keyboard.press("a")]);
  await page.waitForFunction(() => document.querySelector("[data-item]").dataset.state === "new");
  const { alerts } = await (await page.request.get("/v1/alerts?state=seen")).json();
  assert.equal(alerts.length, 0, "a second time took it back");
}

/** The box says how a query may go on; keys choose, and nothing is chosen unasked. */
async function completion(page) {
  await page.goto("/search");
  const box = page.locator("#q");
  const list = page.locator("#q-list");
  const typed = async (text) => {
    await page.keyboard.type(text);
    await list.locator("[role=option]").first().waitFor();
  };
  await box.focus();
  await typed("act");
  assert.equal(await box.getAttribute("aria-expanded"), "true");
  for (const colorScheme of SCHEMES) {
    await page.emulateMedia({ colorScheme });
    await axe(page, `completion-${colorScheme}`);
    await page.screenshot({ path: join(folder, `completion-${colorScheme}.png`) });
  }
  await page.keyboard.press("ArrowDown");
  const active = await box.getAttribute("aria-activedescendant");
  assert.match(await page.locator(`#${active}`).innerText(), /actor:/);
  await page.keyboard.press("Enter");
  assert.equal(await box.inputValue(), "actor:", "on to the value");
  await typed("de");
  await page.setViewportSize(SIZES.phone);
  await page.screenshot({ path: join(folder, "completion-phone.png") });
  assert.ok((await overflow(page)) <= 1, "wider than a phone");
  await page.setViewportSize(DESKTOP);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  assert.match(await box.inputValue(), /^actor:"[^"]+" $/);
  await typed("kind:thr");
  await page.keyboard.press("Escape");
  assert.ok(await list.isHidden(), "Escape puts the list away and stays in the box");
  assert.ok(await box.evaluate((it) => it === document.activeElement));
  await page.keyboard.type("eat");
  await list.locator("[role=option]").first().waitFor();
  await Promise.all([page.waitForURL(/q=actor/), page.keyboard.press("Enter")]);
  assert.match(await box.inputValue(), /^actor:"[^"]+" kind:threat$/, "Enter asks when nothing is chosen");
}

/** Single keys can be switched off, as WCAG 2.1.4 asks; the switch is kept. */
async function keysOff(page) {
  await page.goto("/help");
  const box = page.locator("main [data-keys]");
  await box.focus();
  await page.keyboard.press("Space");
  assert.equal(await box.isChecked(), false);
  for (const path of ["/help", "/sources"]) {
    await page.goto(path);
    for (const key of ["g", "j", "/", "?"]) await page.keyboard.press(key);
    assert.equal(new URL(page.url()).pathname, path, "keys do nothing now");
    assert.equal(await focused(page), null, "keys do nothing now");
    assert.equal(await page.locator("dialog").count(), 0, "keys do nothing now");
  }
  await page.goto("/help");
  await box.check();
  await Promise.all([page.waitForURL((it) => it.pathname === "/"), page.keyboard.press("g")]);
}

/** What pops up beside a word can be put away, and stays while the pointer is on it (1.4.13). */
async function tips(page, article) {
  await page.goto(article);
  const word = page.locator(".text .tip[data-tip]").first();
  const content = () => word.evaluate((it) => getComputedStyle(it, "::after").content);
  assert.equal(await content(), "none");
  await word.hover();
  assert.notEqual(await content(), "none", "it pops up");
  const box = await word.evaluate((it) => it.getClientRects()[0].toJSON());
  await page.mouse.move(box.x + 8, box.bottom + 6, { steps: 4 });
  assert.notEqual(await content(), "none", "it stays");
  await page.keyboard.press("Escape");
  assert.equal(await content(), "none", "it is put away");
  await page.mouse.move(1, 1);
  await word.focus();
  assert.notEqual(await content(), "none", "it pops up for the keyboard");
}

const browser = await launch();
const { page, wrong, close } = await open(browser, base, { viewport: DESKTOP });
try {
  await logIn(page);
  const pages = await addresses(page);
  await fill(page, pages.article);
  await keys(page);
  await actingKeys(page);
  await completion(page);
  await keysOff(page);
  await tips(page, pages.article);
  for (const [name, path] of Object.entries(pages)) {
    await page.goto(path);
    if (name === "graph") await page.waitForSelector("#graph[data-drawn]");
    if (["search", "entity"].includes(name)) await page.waitForSelector(".hist[data-drawn]");
    const n_bytes = await weight(page);
    if (n_bytes >= N_BYTES_MAX) note(name, `weighs ${n_bytes} bytes`);
    await unfold(page);
    await inspect(page, name);
    console.log(`${name}: ${await tabThrough(page, name)} stops of the Tab key, ${n_bytes} bytes on ${path}`);
  }
  // A refused login, a query in error and a page that is nowhere answer with an error, as they
  // should; the journey would see any other.
  const unexpected = wrong.filter((it) => !/^40[014] |status of 40[014] /.test(it));
  assert.deepEqual(unexpected, []);
} catch (error) {
  await page.screenshot({ path: join(folder, "accessibility-failed.png") }).catch(() => {});
  note(page.url(), error.stack);
}
await close();
await browser.close();
for (const [what, places] of problems) {
  console.error(`${what}\n  on ${places.slice(0, 6).join(", ")}${places.length > 6 ? ", …" : ""}`);
}
process.exit(problems.size > 0 ? 1 : 0);
