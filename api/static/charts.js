// Makes charts of the bars that a page has already: marking a range narrows the search to it. The
// bars stay for fingers, which have no button to hold, and for whoever has no script.
(() => {
  "use strict";
  if (typeof uPlot !== "function" || !matchMedia("(pointer: fine)").matches) return;
  const DAY = 86_400;
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const words = (time) => new Date(time * 1_000).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
  const short = (time) => new Date(time * 1_000).toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
  const iso = (time) => new Date(time * 1_000).toISOString().slice(0, 10);

  const draw = (box) => {
    const drawing = box.querySelector("svg");
    const note = box.querySelector(".axis span:nth-child(2)");
    const summary = note.textContent;
    const links = Array.from(drawing.querySelectorAll("a"));
    const step = Number(box.dataset.step) * DAY;
    const begin = Date.parse(`${box.dataset.begin}T00:00:00Z`) / 1_000;
    const times = Array.from({ length: Number(box.dataset.bars) }, (_, n) => begin + n * step);
    const counts = times.map(() => 0);
    for (const it of links) counts[Number(it.dataset.at)] = Number(it.dataset.n);
    const days = (first, last) => (last - first < DAY ? words(first) : `${words(first)} to ${words(last)}`);

    // The page for the days of some bars: that of any bar with other days.
    const open = (from, to) => {
      const url = new URL(links[0].getAttribute("href"), location.href);
      url.searchParams.set("from", iso(times[from]));
      url.searchParams.set("to", iso(times[to] + step - DAY));
      location.assign(url);
    };
    const barAt = (chart, x) => Math.min(times.length - 1, Math.max(0, Math.floor((chart.posToVal(x, "x") - begin) / step)));

    const chart = document.createElement("div");
    chart.className = "chart";
    chart.setAttribute("aria-hidden", "true");
    box.prepend(chart);
    box.dataset.drawn = "";
    const axis = { stroke: () => color("--faint"), grid: { stroke: () => color("--hair"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
    const plot = new uPlot({
      width: box.clientWidth, height: 128, legend: { show: false }, padding: [6, 26, 0, 0],
      tzDate: (time) => uPlot.tzDate(new Date(time * 1_000), "Etc/UTC"),
      scales: { x: { time: true, range: () => [begin, begin + times.length * step] }, y: { range: (_, __, most) => [0, Math.max(1, most)] } },
      axes: [
        { ...axis, grid: { show: false }, size: 20, gap: 4, space: 70, values: (_, splits) => splits.map(short) },
        { ...axis, size: 34, gap: 4, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 50_000, 100_000], space: 26 },
      ],
      series: [{}, { fill: () => color("--bar"), width: 0, points: { show: false }, paths: uPlot.paths.bars({ size: [0.8, 60], align: 1 }) }],
      cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false, dist: 4 } },
      hooks: {
        setCursor: [(it) => {
          const { left, width } = { left: it.cursor.left, width: it.select.width };
          if (left === undefined || left < 0) { note.textContent = summary; return; }
          const [from, to] = width > 0 ? [barAt(it, it.select.left), barAt(it, it.select.left + width)] : [barAt(it, left), barAt(it, left)];
          const sum = counts.slice(from, to + 1).reduce((all, n) => all + n, 0);
          note.textContent = `${days(times[from], times[to] + step - DAY)}: ${sum} ${sum === 1 ? "article" : "articles"}`;
        }],
        setSelect: [(it) => {
          if (it.select.width > 0) open(barAt(it, it.select.left), barAt(it, it.select.left + it.select.width - 1));
        }],
        ready: [(it) => {
          // A click is a range of one bar.
          let down = -1;
          it.over.addEventListener("mousedown", (event) => { down = event.clientX; });
          it.over.addEventListener("click", (event) => {
            if (Math.abs(event.clientX - down) > 3) return;
            const at = barAt(it, event.clientX - it.over.getBoundingClientRect().left);
            if (counts[at] > 0) open(at, at);
          });
        }],
      },
    }, [times, counts], chart);
    new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: 128 })).observe(box);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plot.redraw(false, true));
  };
  for (const box of document.querySelectorAll("[data-chart]")) {
    if (box.querySelector("a")) draw(box);
  }
})();
