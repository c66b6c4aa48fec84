// Draws the graph that the page's table lists. Everything from outside is written as text.
(() => {
  "use strict";
  const box = document.getElementById("graph");
  if (!box) return;
  const canvas = document.getElementById("canvas");
  const panel = document.getElementById("panel");
  const [since, until, span] = ["since", "until", "span"].map((id) => document.getElementById(id));
  const QUIET = new Set(["co-occurs-with", "speaks-of", "uses"]);
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const element = (name, text, className) => {
    const made = document.createElement(name);
    if (text) made.textContent = text;
    if (className) made.className = className;
    return made;
  };
  // Without its drawing the page is whole; why it is missing is said all the same.
  const leaveOut = (why) => {
    box.hidden = true;
    const said = element("p", `The drawing is left out: ${why}. The table below says the same.`, "note");
    said.setAttribute("role", "status");
    box.after(said);
  };
  if (typeof cytoscape !== "function") return leaveOut("its library did not load");
  const link = (href, text) => {
    const made = element("a", text);
    made.href = href;
    return made;
  };
  const day = (time) => new Date(time).toISOString().slice(0, 10);
  const minute = (time) => new Date(time).toISOString().slice(0, 16).replace("T", " ");
  const isEntity = (id) => !id.startsWith("words:") && !id.startsWith("sector:/");
  const shorten = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

  const style = () => [
    { selector: "node", style: {
      label: "data(label)", width: "data(size)", height: "data(size)", "font-size": 11, color: color("--ink"),
      "background-color": color("--bar"), "text-valign": "bottom", "text-margin-y": 3, "text-wrap": "wrap",
      "text-max-width": 110, "text-background-color": color("--sheet"), "text-background-opacity": 0.8, "min-zoomed-font-size": 5,
    } },
    { selector: "node.words", style: { shape: "round-rectangle", "background-color": color("--rule"), "border-width": 1, "border-color": color("--bar") } },
    { selector: "node.focus", style: { "background-color": color("--accent") } },
    { selector: "edge", style: {
      width: "data(width)", "line-color": color("--accent"), "target-arrow-color": color("--accent"),
      "target-arrow-shape": "triangle", "curve-style": "bezier", "arrow-scale": 0.9, opacity: 0.85,
    } },
    // The hostile ones say what they are; so does any other when chosen.
    { selector: "edge:selected, edge[^quiet]", style: {
      label: "data(kind)", color: color("--soft"), "font-size": 9, "text-rotation": "autorotate",
      "text-background-color": color("--sheet"), "text-background-opacity": 0.8, "min-zoomed-font-size": 6,
    } },
    { selector: "edge.hedged", style: { "line-style": "dashed" } },
    { selector: "edge.quiet", style: { "line-color": color("--bar"), "target-arrow-color": color("--bar"), opacity: 0.55 } },
    { selector: "edge.both", style: { "target-arrow-shape": "none", opacity: 0.3 } },
    { selector: ".away", style: { display: "none" } },
    { selector: ":selected", style: { "overlay-color": color("--focus"), "overlay-opacity": 0.18, "overlay-padding": 5 } },
  ];

  const elements = (graph) => [
    ...graph.nodes.map((it) => ({
      data: { id: it.id, label: shorten(it.name, 40), size: 14 + 7 * Math.log2(1 + it.n_articles), it },
      classes: `${isEntity(it.id) ? "" : "words"} ${it.id === graph.focus ? "focus" : ""}`,
    })),
    ...graph.edges.map((it, at) => ({
      data: {
        id: `edge${at}`, source: it.source, target: it.target, kind: it.kind.replaceAll("-", " "), quiet: QUIET.has(it.kind) || undefined, width: Math.min(9, 1 + 1.4 * Math.log2(1 + it.weight)), it,
        from: Date.parse(it.first_at), to: Date.parse(it.last_at),
      },
      classes: [
        QUIET.has(it.kind) && "quiet", it.kind === "co-occurs-with" && "both",
        it.modality && it.modality !== "asserted" && "hedged",
      ].filter(Boolean).join(" "),
    })),
  ];

  // Who is merely named together pulls little, or everybody would lie in one heap.
  const layout = () => ({
    name: "cose", animate: false, randomize: false, padding: 16, numIter: 1500, nodeOverlap: 20, gravity: 0.8, componentSpacing: 50,
    nodeRepulsion: () => 26_000,
    idealEdgeLength: (edge) => (edge.hasClass("both") ? 85 : 120),
    edgeElasticity: (edge) => (edge.hasClass("both") ? 260 : 50),
  });

  const names = new Map();
  const showEdge = (it) => {
    panel.replaceChildren();
    panel.append(element("h3", `${names.get(it.source)} ${it.kind.replaceAll("-", " ")} ${names.get(it.target)}`));
    const sure = it.modality ? `${it.modality}, ` : "";
    panel.append(element("p", `${sure}${it.weight} independent sources, ${day(it.first_at)} to ${day(it.last_at)}`, "faint small"));
    for (const proof of it.evidence) {
      const line = element("p", "", "proof");
      line.append(link(`/articles/${encodeURIComponent(proof.article)}`, proof.sentence || proof.title));
      line.append(" ", element("span", `${proof.source_name} ${day(proof.dated_at)}`, "faint small"));
      panel.append(line);
    }
    panel.scrollIntoView({ block: "nearest" });
  };
  const showNode = (it) => {
    panel.replaceChildren(element("h3", it.name));
    panel.append(element("p", `${it.kind}, named in ${it.n_articles} articles, ${day(it.first_at)} to ${day(it.last_at)}`, "faint small"));
    if (!isEntity(it.id)) return;
    const links = element("p", "", "gap");
    links.append(link(`/entities/${encodeURIComponent(it.id)}`, "Follow"), " · ");
    links.append(link(`/graph?entity=${encodeURIComponent(it.id)}`, "Graph from here"));
    panel.append(links);
  };

  const draw = (graph) => {
    box.hidden = false;
    for (const it of graph.nodes) names.set(it.id, it.name);
    const drawing = cytoscape({
      container: canvas, elements: elements(graph), style: style(), minZoom: 0.2, maxZoom: 4,
      // The wheel scrolls the page.
      userZoomingEnabled: matchMedia("(pointer: coarse)").matches,
      layout: layout(),
    });
    drawing.on("tap", "edge", (event) => showEdge(event.target.data("it")));
    drawing.on("tap", "node", (event) => showNode(event.target.data("it")));
    // Names stay readable however far away they are.
    const write = () => { drawing.style().selector("node").style("font-size", Math.min(26, (canvas.clientWidth < 500 ? 8 : 11) / Math.min(1, drawing.zoom()))).update(); };
    drawing.on("zoom", write);
    write();
    const zoom = (factor) => () => {
      drawing.zoom({ level: drawing.zoom() * factor, renderedPosition: { x: drawing.width() / 2, y: drawing.height() / 2 } });
    };
    document.getElementById("closer").addEventListener("click", zoom(1.4));
    document.getElementById("farther").addEventListener("click", zoom(1 / 1.4));
    document.getElementById("fit").addEventListener("click", () => drawing.fit(undefined, 24));
    const times = graph.edges.flatMap((it) => [Date.parse(it.first_at), Date.parse(it.last_at)]);
    const first = Math.min(...times);
    const length = Math.max(1, Math.max(...times) - first);
    const shown = length < 4 * 86_400_000 ? minute : day;
    const slide = () => {
      const bounds = [since, until].map((it) => Number(it.value)).sort((a, b) => a - b);
      const [from, to] = bounds.map((it) => first + (length * it) / 1000);
      span.textContent = `${shown(from)} – ${shown(to)}`;
      drawing.batch(() => {
        drawing.edges().forEach((it) => { it.toggleClass("away", it.data("to") < from || to < it.data("from")); });
        drawing.nodes().forEach((it) => {
          const isAlone = it.connectedEdges().every((edge) => edge.hasClass("away"));
          it.toggleClass("away", isAlone && !it.hasClass("focus"));
        });
      });
    };
    for (const it of [since, until]) it.addEventListener("input", slide);
    slide();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { drawing.style(style()); write(); });
    box.dataset.drawn = String(drawing.edges().length);
  };

  fetch(box.dataset.src, { headers: { accept: "application/json" } })
    .catch(() => { throw new Error("the server cannot be reached"); })
    .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(`the server answered ${answer.status}`))))
    .then(draw)
    .catch((error) => leaveOut(error.message));
})();
