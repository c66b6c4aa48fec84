// Keyboard and live notice. Every page works without this file.
(() => {
  "use strict";
  const items = () => Array.from(document.querySelectorAll("[data-item]"));
  const isTyping = (at) => at instanceof HTMLElement && (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName));

  const step = (by) => {
    const all = items();
    if (all.length === 0) return;
    const here = all.findIndex((it) => it.contains(document.activeElement));
    const next = all[Math.min(all.length - 1, Math.max(0, here < 0 ? 0 : here + by))];
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  };

  const open = (url) => { if (url) location.assign(url); };

  const help = async () => {
    let box = document.querySelector("dialog");
    if (!box) {
      const answer = await fetch("/help");
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const keys = page.querySelector("#keys");
      if (!keys) return open("/help");
      box = document.createElement("dialog");
      box.setAttribute("aria-label", "Keys");
      box.append(document.importNode(keys, true));
      box.addEventListener("click", (event) => { if (event.target === box) box.close(); });
      document.body.append(box);
    }
    if (box.open) box.close(); else box.showModal();
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (isTyping(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    switch (event.key) {
      case "j": step(1); break;
      case "k": step(-1); break;
      case "Enter":
        if (event.target instanceof HTMLElement && event.target.matches("[data-item]")) open(event.target.dataset.href);
        return;
      case "/": (document.querySelector("#q") || document.querySelector("[data-search]")).focus(); break;
      case "n": open(document.querySelector("[data-next]")?.href); break;
      case "g": open("/"); break;
      case "?": help(); break;
      default: return;
    }
    event.preventDefault();
  });

  document.querySelector("[data-help]")?.addEventListener("click", (event) => { event.preventDefault(); help(); });

  const notice = document.querySelector("[data-new]");
  if (notice && "EventSource" in window) {
    const stream = new EventSource("/v1/events");
    stream.addEventListener("statement", () => { notice.hidden = false; });
    window.addEventListener("pagehide", () => stream.close());
  }
})();
