// The search page: facets that can be searched, and what the chosen hit says. Without this file the
// facets are plain lists and a hit is read on its own page.
(() => {
  "use strict";
  const element = (name, className, text) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text) made.textContent = text;
    return made;
  };
  const folded = (text) => text.normalize("NFD").replaceAll(/\p{M}/gu, "").toLowerCase();

  // A long facet is narrowed by typing. What the page did not list is asked for with the first letter.
  const rest = async (box, more) => {
    const field = box.dataset.facet;
    const asked = new URLSearchParams(location.search);
    for (const name of ["cursor", "limit", "significant", "by_story"]) asked.delete(name);
    for (const [name, value] of [...asked]) if (value === "") asked.delete(name, value);
    for (const [name, value] of [["limit", "0"], ["highlight", "false"], ["facet_limit", "1000"]]) asked.set(name, value);
    const answer = await fetch(`/v1/search?${asked}`);
    if (!answer.ok) throw new Error(String(answer.status));
    const counts = (await answer.json()).facets[field] ?? [];
    const known = new Set(new URLSearchParams(location.search).getAll(field));
    for (const it of box.querySelectorAll("a")) {
      for (const value of new URL(it.href).searchParams.getAll(field)) known.add(value);
    }
    for (const it of counts) {
      if (known.has(it.value)) continue;
      const to = new URL(location.href);
      to.searchParams.delete("cursor");
      to.searchParams.append(field, it.value);
      const [line, link, name] = [element("li"), element("a"), element("bdi", "", it.label || it.value)];
      link.href = to.pathname + to.search;
      link.append(name);
      line.append(link, element("span", "n", it.count.toLocaleString("en")));
      more.append(line);
    }
  };
  for (const box of document.querySelectorAll("[data-facet]")) {
    const details = box.querySelector("details.more");
    if (!details) continue;
    const title = box.querySelector("h2").textContent;
    const input = element("input", "find");
    input.type = "search";
    input.placeholder = "find";
    input.autocomplete = "off";
    input.setAttribute("aria-label", `Find in ${title}`);
    const none = element("p", "small faint");
    none.setAttribute("role", "status");
    box.querySelector("h2").after(input, none);
    const narrow = () => {
      const wanted = folded(input.value.trim());
      let n = 0;
      for (const it of box.querySelectorAll("li")) {
        it.hidden = !folded(it.querySelector("a").textContent).includes(wanted);
        n += it.hidden ? 0 : 1;
      }
      if (wanted !== "") details.open = true;
      none.textContent = n === 0 ? "None of that name here." : "";
    };
    let asked = null;
    input.addEventListener("input", () => {
      narrow();
      if (asked || !("cut" in box.dataset)) return;
      // What failed is asked for again with the next letter.
      asked = rest(box, details.querySelector("ul")).then(narrow).catch(() => { asked = null; });
    });
  }

  // The article behind the hit that is chosen by keys or pointed at, beside the list. Its page has
  // been escaped by the server; only its words and marks are taken over.
  const preview = document.getElementById("preview");
  const isWide = matchMedia("(min-width: 80rem)");
  if (!preview) return;
  const N_PARAGRAPHS = 8;
  const N_KEPT = 40;
  const pages = new Map();
  const read = async (href) => {
    const answer = await fetch(href, { headers: { accept: "text/html" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("article.read");
    const head = element("h2", "who");
    const link = element("a", "", page.querySelector("h1").textContent);
    link.href = href;
    head.dir = "auto";
    head.lang = page.lang;
    head.append(link);
    const text = element("div", "text");
    text.lang = page.lang;
    const paragraphs = [...page.querySelectorAll(".text > p")];
    text.append(...paragraphs.slice(0, N_PARAGRAPHS));
    for (const it of text.querySelectorAll(".ref")) it.remove();
    for (const it of text.querySelectorAll("*")) {
      for (const name of ["id", "tabindex", "data-tip"]) it.removeAttribute(name);
    }
    const open = element("p", "gap");
    const whole = element("a", "", paragraphs.length > N_PARAGRAPHS ? "Read on, with statements and provenance →" : "Statements and provenance →");
    whole.href = href;
    open.append(whole);
    const meta = page.querySelector(".byline time");
    return [element("p", "over", page.querySelector(".over").textContent), head, element("p", "small faint", meta.textContent), text, open];
  };
  let [timer, shown] = [0, ""];
  const show = async (href) => {
    if (shown === href || !isWide.matches) return;
    shown = href;
    if (!pages.has(href)) {
      if (pages.size >= N_KEPT) pages.delete(pages.keys().next().value);
      pages.set(href, read(href));
    }
    try {
      const parts = await pages.get(href);
      if (shown !== href) return;
      preview.replaceChildren(...parts.map((it) => document.importNode(it, true)));
    } catch {
      pages.delete(href);
      if (shown !== href) return;
      shown = "";
      preview.replaceChildren(element("p", "soft", "This article could not be shown here; Enter opens it."));
    }
    preview.scrollTop = 0;
  };
  const soon = (event, wait) => {
    const href = event.target instanceof Element && event.target.closest("li.hit")?.dataset.href;
    clearTimeout(timer);
    if (href) timer = setTimeout(() => show(href), wait);
  };
  document.addEventListener("focusin", (event) => soon(event, 60));
  document.addEventListener("mouseover", (event) => soon(event, 250));
  const first = () => {
    preview.hidden = !isWide.matches;
    const href = document.querySelector("li.hit")?.dataset.href;
    if (href && shown === "") setTimeout(() => show(href), 100);
  };
  isWide.addEventListener("change", first);
  first();
})();
