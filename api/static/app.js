// Keyboard, live notice and long work. Every page works without this file.
(() => {
  "use strict";
  const items = () => Array.from(document.querySelectorAll("[data-item]"));
  const isTyping = (at) =>
    at instanceof HTMLElement && (at.isContentEditable || at.matches("input:not([type=checkbox], [type=radio]), textarea, select"));

  // Who speaks to the machine, or strikes keys by accident, switches single keys off (WCAG 2.1.4).
  // A browser that keeps nothing leaves them on.
  const KEYS = "harbinger-keys";
  const areKeysOn = () => { try { return localStorage.getItem(KEYS) !== "off"; } catch { return true; } };
  const showSwitch = (within) => {
    for (const it of within.querySelectorAll("[data-keys]")) {
      it.checked = areKeysOn();
      it.closest("[hidden]")?.removeAttribute("hidden");
    }
  };
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-keys]")) return;
    try { localStorage.setItem(KEYS, event.target.checked ? "on" : "off"); } catch { /* stays on */ }
    showSwitch(document);
  });
  showSwitch(document);

  const step = (by) => {
    const all = items();
    if (all.length === 0) return;
    const here = all.findIndex((it) => it.contains(document.activeElement));
    const next = all[Math.min(all.length - 1, Math.max(0, here < 0 ? 0 : here + by))];
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  };

  const open = (url) => { if (url) location.assign(url); };

  // What happened, for whoever does not see it.
  const say = (text) => {
    let box = document.querySelector("[data-said]");
    if (!box) {
      box = document.createElement("p");
      box.className = "sr";
      box.dataset.said = "";
      box.setAttribute("role", "status");
      document.body.append(box);
    }
    box.textContent = text;
  };

  // An alert is seen: as its button does it, without leaving the list. A second time takes it back.
  const acknowledge = async (item, form) => {
    const was = item.dataset.state;
    const now = was === "seen" ? "new" : "seen";
    const fields = new URLSearchParams(new FormData(form));
    fields.set("state", now);
    const answer = await fetch(form.action, { method: "POST", body: fields, redirect: "manual" }).catch(() => null);
    if (!answer) {
      item.querySelector("[data-state-tag]").textContent = `${was || "new"}, not changed: no connection`;
      return say("Not changed: the server cannot be reached.");
    }
    if (answer.type !== "opaqueredirect" && !answer.ok) return form.requestSubmit(form.querySelector(`[value="${now}"]`));
    item.dataset.state = now;
    const tag = item.querySelector("[data-state-tag]");
    tag.textContent = now;
    tag.className = `tag state-${now}`;
    say(now === "seen" ? "Seen. The same key takes it back." : "New again.");
    if (now === "seen") step(1);
  };

  const act = () => {
    const item = document.activeElement?.closest("[data-item]");
    const form = item?.querySelector("form.acts");
    if (item?.dataset.state && form) acknowledge(item, form);
    else open(item?.dataset.watch);
  };

  const save = () => {
    const way = document.querySelector("[data-save]");
    if (way instanceof HTMLButtonElement) way.form.requestSubmit(way);
    else open(way?.href);
  };

  const help = async () => {
    let box = document.querySelector("dialog");
    if (!box) {
      const answer = await fetch("/help").catch(() => null);
      if (!answer?.ok) return open("/help");
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const keys = page.querySelector("#keys");
      if (!keys) return open("/help");
      box = document.createElement("dialog");
      box.setAttribute("aria-label", "Keys");
      keys.removeAttribute("id");
      const close = document.createElement("button");
      close.type = "button";
      close.textContent = "Close";
      close.autofocus = true;
      close.addEventListener("click", () => box.close());
      box.append(document.importNode(keys, true), close);
      box.addEventListener("click", (event) => { if (event.target === box) box.close(); });
      document.body.append(box);
    }
    showSwitch(box);
    if (box.open) box.close(); else box.showModal();
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") document.documentElement.dataset.quiet = "";
    if (isTyping(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (event.key !== "Enter" && !areKeysOn()) return;
    switch (event.key) {
      case "j": step(1); break;
      case "k": step(-1); break;
      case "Enter":
        if (event.target instanceof HTMLElement && event.target.matches("[data-item]")) open(event.target.dataset.href);
        return;
      case "/": (document.querySelector("#q") || document.querySelector("[data-search]")).focus(); break;
      case "n": open(document.querySelector("[data-next]")?.href); break;
      case "s": save(); break;
      case "a": act(); break;
      case "g": open("/"); break;
      case "?": help(); break;
      default: return;
    }
    event.preventDefault();
  });

  // Escape puts away what pops up beside a word, until the next one.
  for (const type of ["mouseover", "focusin"]) {
    document.addEventListener(type, () => { delete document.documentElement.dataset.quiet; });
  }

  document.querySelector("[data-help]")?.addEventListener("click", (event) => { event.preventDefault(); help(); });

  // What a query may go on with, below its box (ARIA combobox).
  for (const input of document.querySelectorAll("#q, [data-search]")) {
    const list = document.createElement("ul");
    list.id = `${input.id}-list`;
    list.className = "ways";
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", "Suggestions");
    list.hidden = true;
    input.parentElement.append(list);
    for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"], ["aria-controls", list.id]]) input.setAttribute(name, value);
    let [timer, asked, replaces, chosen] = [0, 0, "", -1];
    const close = () => {
      list.hidden = true;
      chosen = -1;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    };
    const choose = (n) => {
      list.children[chosen]?.setAttribute("aria-selected", "false");
      chosen = (n + list.children.length) % list.children.length;
      list.children[chosen].setAttribute("aria-selected", "true");
      list.children[chosen].scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", list.children[chosen].id);
    };
    const accept = (option) => {
      const at = input.selectionStart;
      const before = input.value.slice(0, at - replaces.length) + option.dataset.text;
      const space = before.endsWith(":") || input.value.slice(at).startsWith(" ") ? "" : " ";
      input.value = before + space + input.value.slice(at);
      input.setSelectionRange(before.length + space.length, before.length + space.length);
      close();
      if (before.endsWith(":")) ask();
    };
    const show = (answer) => {
      replaces = answer.replaces;
      list.replaceChildren(...answer.suggestions.map((it, n) => {
        const option = document.createElement("li");
        option.id = `${list.id}-${n}`;
        option.dataset.text = it.text;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        for (const [text, name] of [[it.label, "label"], [it.about, "about"], [it.text, "code"]]) {
          const part = document.createElement("span");
          part.textContent = text;
          part.className = name;
          option.append(part);
        }
        return option;
      }));
      chosen = -1;
      list.hidden = answer.suggestions.length === 0;
      input.setAttribute("aria-expanded", String(!list.hidden));
      input.removeAttribute("aria-activedescendant");
    };
    const ask = () => {
      clearTimeout(timer);
      const typed = input.value.slice(0, input.selectionStart);
      const number = ++asked;
      if (typed.trim() === "") return close();
      timer = setTimeout(async () => {
        const answer = await fetch(`/v1/complete?q=${encodeURIComponent(typed.slice(-1_000))}`).catch(() => null);
        if (number !== asked || document.activeElement !== input || !answer?.ok) return;
        const read = await answer.json();
        if (number === asked) show(read);
      }, 120);
    };
    input.addEventListener("input", ask);
    input.addEventListener("blur", () => { asked++; close(); });
    list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const option = event.target.closest("[role=option]");
      if (option) accept(option);
    });
    input.addEventListener("keydown", (event) => {
      if (list.hidden || event.isComposing) return;
      if (event.key === "ArrowDown") choose(chosen + 1);
      else if (event.key === "ArrowUp") choose(chosen < 0 ? -1 : chosen - 1);
      else if (event.key === "Enter" && chosen >= 0) accept(list.children[chosen]);
      else if (event.key === "Escape") { asked++; close(); }
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  // Names that are known, below a box for one.
  const names = document.getElementById("names");
  for (const input of names ? document.querySelectorAll("[data-names]") : []) {
    let [timer, asked] = [0, 0];
    input.addEventListener("input", () => {
      clearTimeout(timer);
      const [typed, number] = [input.value.trim().replaceAll('"', ""), ++asked];
      if (typed.length < 2) return;
      timer = setTimeout(async () => {
        const answer = await fetch(`/v1/complete?q=${encodeURIComponent(`entity:"${typed}`)}`).catch(() => null);
        if (number !== asked || !answer?.ok) return;
        const { suggestions } = await answer.json();
        if (number === asked) names.replaceChildren(...suggestions.map((it) => new Option(`${it.label}, ${it.about}`, it.label)));
      }, 120);
    });
  }

  // The number in the navigation is of when the page was made; pages that listen keep it.
  const countAlert = () => {
    const link = document.querySelector('nav a[href="/alerts"]');
    if (!link) return;
    let badge = link.querySelector(".badge");
    if (!badge) {
      badge = document.createElement("span");
      badge.className = "badge";
      badge.title = "new";
      link.append(" ", badge);
    }
    badge.textContent = String(Number(badge.textContent) + 1);
  };

  // What goes on at the server is looked at until it is done; whoever is in the middle of it is left alone.
  const follow = () => {
    if (!document.querySelector("[data-progress]")) return;
    setTimeout(async () => {
      if (document.hidden) return follow();
      const answer = await fetch(location.href, { headers: { accept: "text/html" } }).catch(() => null);
      if (answer?.ok && !answer.redirected) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const it of document.querySelectorAll("[data-progress]")) {
          if (it.contains(document.activeElement)) continue;
          const next = page.getElementById(it.id);
          if (next) it.replaceWith(document.importNode(next, true));
          else it.remove();
        }
      }
      follow();
    }, 1_500);
  };
  follow();

  // Long work shows how far it is, and can be cancelled; without a script it is a form or a link.
  const watched = (starter, name, cancel) => {
    const [box, bar, text, stop] = ["p", "progress", "span", "button"].map((it) => document.createElement(it));
    box.className = "note";
    box.dataset.watched = "";
    bar.setAttribute("aria-label", name);
    stop.type = "button";
    stop.className = "plain";
    stop.textContent = "Cancel";
    stop.setAttribute("aria-label", `Cancel: ${name}`);
    stop.addEventListener("click", cancel);
    box.append(`${name}: `, bar, " ", text, " ", stop);
    const place = starter.closest("p") ?? starter;
    if (place.nextElementSibling?.matches('[data-watched="ended"]')) place.nextElementSibling.remove();
    place.after(box);
    // It is not begun twice, nor is anything else that takes long in its form.
    const starters = [...(starter.form?.elements ?? [])].filter((it) => it.dataset.long);
    for (const it of starters) it.disabled = true;
    if (starter.form) stop.focus();
    else starter.setAttribute("aria-disabled", "true");
    say(`${name}: begun.`);
    let n_quarters = 0;
    const leave = () => {
      for (const it of starters) it.disabled = false;
      starter.removeAttribute("aria-disabled");
      if (box.contains(document.activeElement)) starter.focus();
      stop.remove();
      bar.remove();
    };
    return {
      tell: (n, of, words) => {
        if (of > 0) [bar.max, bar.value] = [of, n];
        else bar.removeAttribute("value");
        text.textContent = words;
        const n_now = of > 0 ? Math.floor((4 * n) / of) : 0;
        if (n_quarters < n_now && n_now < 4) say(`${name}: ${25 * n_now} percent.`);
        n_quarters = n_now;
      },
      end: (words) => {
        leave();
        box.dataset.watched = "ended";
        text.textContent = words;
        say(`${name}: ${words}`);
      },
      clear: () => { leave(); box.remove(); },
    };
  };
  const size = (n_bytes) => `${(n_bytes / 1e6).toFixed(1)} MB`;

  // A form whose button says so is sent from here. The answer is a page, or lines that tell how far it
  // is and at last a part of the page.
  document.addEventListener("submit", (event) => {
    const [form, button] = [event.target, event.submitter];
    if (!button?.dataset.long) return;
    event.preventDefault();
    const fields = new FormData(form);
    const hasFiles = form.enctype === "multipart/form-data";
    const address = button.hasAttribute("formaction") ? button.formAction : form.action;
    const request = new XMLHttpRequest();
    const name = button.dataset.long;
    const shown = watched(button, name, () => request.abort());
    // Another server is asked: how long that takes, nobody knows.
    const host = (fields.get("url") ?? "").trim().replace(/^\w+:\/\//, "").split(/[/?#]/)[0].split("@").at(-1);
    if (host) {
      shown.tell(0, 0, `looking at ${host}…`);
      say(`${name}: looking at ${host}.`);
    }
    const hasLines = () => request.getResponseHeader("content-type")?.startsWith("application/x-ndjson");
    // Only what ends with its line feed is there as a whole.
    const last = () => JSON.parse(request.responseText.split("\n").at(-2) ?? "{}");
    let isSent = false;
    request.upload.addEventListener("progress", (it) => {
      if (hasFiles) shown.tell(it.loaded, it.total, `${size(it.loaded)} of ${size(it.total)} sent`);
    });
    request.upload.addEventListener("load", () => {
      isSent = true;
      if (hasFiles) shown.tell(0, 0, "sent, being taken in");
    });
    request.addEventListener("progress", () => {
      const { n_done, n_total } = hasLines() ? last() : {};
      if (n_total) shown.tell(n_done, n_total, `${n_done} of ${n_total} looked at`);
    });
    request.addEventListener("abort", () => {
      shown.end((isSent && button.dataset.cancelled) || "cancelled.");
    });
    request.addEventListener("error", () => shown.end("broken off: the server cannot be reached."));
    request.addEventListener("load", () => {
      const isOfLines = hasLines();
      const { html, error } = isOfLines ? last() : { html: request.responseText };
      if (!html) return shown.end(error?.message ?? "broken off.");
      if (!isOfLines && new URL(request.responseURL).pathname !== new URL(address).pathname) return open(request.responseURL);
      const page = new DOMParser().parseFromString(html, "text/html");
      // A page in place of the form has its fields; any other says why, and the form stays as it is.
      const part = isOfLines ? page.body.firstElementChild : page.querySelector("main");
      if (!part || ![200, 422].includes(request.status)) {
        return shown.end(part?.querySelector(".deck")?.textContent ?? `not answered (${request.status}).`);
      }
      shown.clear();
      const next = document.importNode(part, true);
      const before = document.getElementById(next.id);
      if (before) before.replaceWith(next);
      else form.before(next);
      next.tabIndex = -1;
      next.focus();
      say((next.querySelector("[role=alert], [role=status], strong") ?? next.querySelector("h1, h2"))?.textContent ?? "");
    });
    request.open("POST", address);
    request.setRequestHeader("Accept", "application/x-ndjson, text/html");
    request.send(hasFiles ? fields : new URLSearchParams(fields));
  });

  // An export is read here, up to what a page may hold; a larger one is the browser's. What came is made
  // a blob bit by bit, which the browser can put away on the disk.
  const [N_EXPORT_BYTES_MAX, N_LOOSE_BYTES_MAX] = [512e6, 16e6];
  const read = async (answer, tell) => {
    const reader = answer.body.getReader();
    let [parts, n_bytes, n_loose] = [[], 0, 0];
    for (let it = await reader.read(); !it.done; it = await reader.read()) {
      parts.push(it.value);
      n_bytes += it.value.length;
      n_loose += it.value.length;
      if (N_EXPORT_BYTES_MAX < n_bytes) return null;
      if (N_LOOSE_BYTES_MAX < n_loose) [parts, n_loose] = [[new Blob(parts)], 0];
      tell(n_bytes);
    }
    return new Blob(parts);
  };
  // Who leaves the page while one comes is asked first: it would end unsaved. What the browser goes on
  // with does not come here any more.
  const coming = new Set();
  addEventListener("beforeunload", (event) => {
    if (coming.size > 0) event.preventDefault();
  });
  const download = async (link) => {
    const stop = new AbortController();
    coming.add(stop);
    const shown = watched(link, `Export as ${link.textContent}`, () => stop.abort());
    const handOn = (words) => { coming.delete(stop); stop.abort(); shown.end(words); open(link.href); };
    try {
      const answer = await fetch(link.href, { signal: stop.signal });
      if (answer.redirected) return handOn("asked elsewhere.");
      if (!answer.ok) {
        const why = await answer.json().catch(() => null);
        return shown.end(why?.error?.message ?? `not exported (${answer.status}).`);
      }
      const n = Number(answer.headers.get("harbinger-articles"));
      const of = `of ${n} ${n === 1 ? "article" : "articles"}`;
      const blob = await read(answer, (n_bytes) => shown.tell(0, 0, `${size(n_bytes)} so far, ${of}`));
      if (!blob) return handOn("too large for this page; the browser goes on with it.");
      const file = document.createElement("a");
      file.href = URL.createObjectURL(blob);
      file.download = /filename="([^"]*)"/.exec(answer.headers.get("content-disposition"))?.[1] ?? "export";
      file.click();
      setTimeout(() => URL.revokeObjectURL(file.href), 60_000);
      shown.end(`done, ${size(blob.size)} ${of}.`);
    } catch {
      shown.end(stop.signal.aborted ? "cancelled." : "broken off; nothing was saved.");
    } finally {
      coming.delete(stop);
    }
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="/v1/export/"]');
    if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (!link.hasAttribute("aria-disabled")) download(link);
  });

  const notice = document.querySelector("[data-new]");
  if (notice && "EventSource" in window) {
    const stream = new EventSource("/v1/events");
    stream.addEventListener(notice.dataset.new || "statement", () => {
      if (notice.hidden) say(notice.textContent);
      notice.hidden = false;
    });
    stream.addEventListener("alert", countAlert);
    window.addEventListener("pagehide", () => stream.close());
  }
})();
