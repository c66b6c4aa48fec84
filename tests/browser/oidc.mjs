// Login by a provider, in a browser and with everything that can be wrong about it.
// usage: HARBINGER_CHROMIUM=/usr/bin/chromium node oidc.mjs BASE_URL SCREENSHOT_FOLDER
// HARBINGER_ISSUER is the provider's address (provider.mjs). With HARBINGER_STEP `begin` a login is
// begun and put aside in the file HARBINGER_WAITING, with `finish` it is ended; else all is tried.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DESKTOP, launch, open } from "./browser.mjs";

const [base, folder] = process.argv.slice(2);
const issuer = process.env.HARBINGER_ISSUER;
const CALLBACK = "/login/oidc/callback";
const browser = await launch();
let n_visitors = 0;

/** A browser of its own; the address is told as a reverse proxy does, as tries are counted by it. */
function visitor(storageState = undefined) {
  n_visitors += 1;
  return browser.newContext({
    baseURL: base, viewport: DESKTOP, storageState,
    extraHTTPHeaders: { "x-forwarded-for": `192.0.2.${n_visitors}` },
  });
}

/** Begins a login; answers the provider's address, which is not opened. */
async function begin(context) {
  const answer = await context.request.get("/login/oidc?next=/map", { maxRedirects: 0 });
  assert.equal(answer.status(), 303);
  const at = new URL(answer.headers().location);
  assert.ok(at.href.startsWith(issuer), at.href);
  for (const name of ["state", "nonce", "code_challenge"]) assert.ok(at.searchParams.get(name).length >= 20, name);
  assert.equal(at.searchParams.get("code_challenge_method"), "S256");
  return at;
}

/** Walks as a browser does from the start to the address that leads back, which is not opened. */
async function walk(context, user, change = (url) => url) {
  const at = await begin(context);
  change(at.searchParams);
  return walkOn(context, user, at);
}

/** Walks on from an address of the provider. */
async function walkOn(context, user, at) {
  const options = { maxRedirects: 0 };
  for (let n = 0; n < 20; n++) {
    if (at.pathname === CALLBACK) return at;
    let answer = await context.request.get(at.href, options);
    if (answer.status() === 200) {
      const page = await answer.text();
      const action = /<form[^>]*action="([^"]+)"/.exec(page)[1];
      const prompt = /name="prompt" value="(\w+)"/.exec(page)[1];
      answer = await context.request.post(new URL(action, at).href, { ...options, form: { prompt, login: user, password: "x" } });
    }
    assert.ok([302, 303].includes(answer.status()), `${answer.status()} at ${at}: ${await answer.text()}`);
    at = new URL(answer.headers().location, at);
  }
  return assert.fail("the provider leads in circles");
}

/** Opens what leads back; it must be refused with these words, and nobody be logged in. */
async function refused(what, context, back, status, words) {
  const page = await context.newPage();
  const answer = await page.goto(back.pathname + back.search);
  assert.equal(answer.status(), status, `${what}: ${await page.innerText("body")}`);
  assert.match(await page.innerText("[role=alert]"), words, what);
  await page.goto("/map");
  assert.equal(new URL(page.url()).pathname, "/login", `${what}: nobody is logged in`);
  console.log(`${what}: refused`);
  return page;
}

/** Begins a login and puts browser and address aside. */
async function putAside() {
  const context = await visitor();
  const at = await begin(context);
  const waiting = { at: at.href, state: await context.storageState() };
  await writeFile(process.env.HARBINGER_WAITING, JSON.stringify(waiting));
}

/** Ends the login that was put aside. */
async function takeUp() {
  const waiting = JSON.parse(await readFile(process.env.HARBINGER_WAITING, "utf8"));
  const context = await visitor(waiting.state);
  const back = await walkOn(context, "bo", new URL(waiting.at));
  const page = await context.newPage();
  await page.goto(back.pathname + back.search);
  await page.waitForURL((it) => it.pathname === "/map");
  await page.goto("/settings");
  assert.match(await page.innerText(".deck"), /You are bo, analyst/);
}

async function tryAll() {
  // A person, with the pages of both sides.
  const { page, wrong, close } = await open(browser, base, { viewport: DESKTOP, extraHTTPHeaders: { "x-forwarded-for": "192.0.2.200" } });
  await page.goto("/search?q=power");
  await page.screenshot({ path: join(folder, "oidc-login.png") });
  await page.click("text=Log in at the office");
  assert.ok(page.url().startsWith(issuer), page.url());
  await page.fill("[name=login]", "ana");
  await page.fill("[name=password]", "x");
  await page.click("button[type=submit]");
  await page.click("button[type=submit]");
  await page.waitForURL((it) => it.pathname === "/search");
  assert.equal(new URL(page.url()).search, "?q=power", "back where she wanted to go");
  await page.goto("/settings");
  // A user of this name has a password here; that is somebody else.
  assert.match(await page.innerText(".deck"), /You are ana-2, admin/);
  const cookies = await page.context().cookies(base);
  const session = cookies.find((it) => it.name === "harbinger_session");
  assert.ok(session.httpOnly && session.sameSite === "Strict", JSON.stringify(session));
  const ours = cookies.filter((it) => it.name.startsWith("harbinger"));
  assert.equal(ours.length, 1, "the login's own cookie is gone");
  await page.screenshot({ path: join(folder, "oidc-settings.png") });
  // The pages of the provider ask other hosts for fonts; ours ask nobody.
  assert.deepEqual(wrong.filter((it) => it.includes(base)), []);
  await close();

  const bo = await visitor();
  const good = await walk(bo, "bo");
  const done = await bo.newPage();
  await done.goto(good.pathname + good.search);
  await done.waitForURL((it) => it.pathname === "/map");
  await done.goto("/settings");
  assert.match(await done.innerText(".deck"), /You are bo, analyst/);
  await bo.clearCookies({ name: "harbinger_session" });
  await refused("a second use", bo, good, 401, /not begun in this browser/);

  let context = await visitor();
  await refused("somebody without a role", context, await walk(context, "cy"), 403, /“cy” has no role/);

  context = await visitor();
  let back = await walk(context, "bo");
  back.searchParams.set("state", "x".repeat(22));
  await refused("a bad state", context, back, 401, /not begun in this browser/);

  context = await visitor();
  back = await walk(context, "bo");
  await refused("another browser", await visitor(), back, 401, /not begun in this browser/);

  context = await visitor();
  back = await walk(context, "bo", (params) => params.set("nonce", "another-nonce-than-ours"));
  await refused("a bad nonce", context, back, 401, /did not confirm/);

  context = await visitor();
  back = await walk(context, "bo", (params) => params.set("code_challenge", "A".repeat(43)));
  await refused("another verifier", context, back, 401, /did not confirm/);

  context = await visitor();
  back = await walk(context, "bo");
  back.searchParams.set("code", "not-a-code-of-the-provider");
  await refused("a made-up code", context, back, 401, /did not confirm/);

  context = await visitor();
  back = await walk(context, "bo");
  await new Promise((resolve) => setTimeout(resolve, 6_500));
  await refused("an expired code", context, back, 401, /did not confirm/);

  context = await visitor();
  back = await walk(context, "bo");
  back.searchParams.delete("code");
  back.searchParams.set("error", "access_denied");
  await refused("a person who said no", context, back, 401, /did not confirm/);
}

try {
  await ({ begin: putAside, finish: takeUp }[process.env.HARBINGER_STEP] ?? tryAll)();
} finally {
  await browser.close();
}
