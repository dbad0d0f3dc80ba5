// The drawing of a curve over depth: panels below each other that share the layers as their axis.
// `view` says what is drawn: rows, models, the chosen model, which layers are on, compact or not.

/**
 * Draw a curve.
 *
 * @param {{rows: Object[], models: Map, model: (string|number), on: Set<string>, compact: boolean, hatch: string,
 *     title: string}} view What is drawn; `hatch` is the id of its pattern.
 * @param {number} width In pixels.
 * @returns {?SVGElement} null where every line is switched off.
 */
function depthDrawing(view, width) {
  const panels = DEPTH_PANELS.filter(({ compact }) => !view.compact || compact)
    .map((panel) => ({ ...panel, lines: panel.lines.filter((line) => isDrawn(line, view)) }))
    .filter(({ lines }) => lines.length > 0);
  if (panels.length === 0) return null;
  const layout = depthLayout(view, panels, width);
  return chart(
    { width, height: layout.height, label: view.title, description: curveWords(view.rows), kind: "depth", role: "group" },
    svg(
      "defs",
      {},
      svg(
        "pattern",
        { id: view.hatch, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
        svg("line", { class: "hatch", x1: 0, x2: 0, y1: 0, y2: 6 }),
      ),
    ),
    depthGrounds(view, layout),
    panels.map((panel, at) => depthPanel(view, panel, layout, layout.tops[at])),
    layerAxis(view, layout),
    layerButtons(view, layout),
  );
}

function isDrawn({ kind, whose, mean }, { on, rows }) {
  return on.has(kind) && (!whose || on.has(whose)) && rows.some((row) => row.get(mean) !== null);
}

/** Where everything stands: a column for each layer, the head apart, panels below each other. */
function depthLayout({ rows, compact }, panels, width) {
  const left = 36;
  const right = width - (compact && width >= 380 ? 112 : 10);
  const heads = rows.map((row) => Boolean(row.get("is_head")));
  const apart = heads.includes(true) && heads.includes(false) ? 0.35 : 0;
  const slot = (right - left) / (rows.length + apart);
  const x = rows.map((_, at) => left + slot * (at + 0.5 + (heads[at] ? apart : 0)));
  const tops = [];
  let y = 0;
  for (const panel of panels) {
    tops.push(y + 20);
    y += 20 + panelHeight(panel, compact) + 10;
  }
  const widest = Math.max(...rows.map((row) => textWidth(row.get("layer") ?? "")));
  const upright = widest > slot - 4;
  const longest = compact ? 80 : 120;
  const foot = upright ? Math.min(longest, widest) + 10 : 16;
  const number = Math.max(...rows.map((row) => textWidth(count(row.get("n_denoting") ?? 0)))) + 4;
  const every = { name: Math.ceil(13 / slot), number: Math.ceil(number / slot) };
  return { width, left, right, slot, x, heads, tops, bottom: y - 10, upright, every, longest, foot, height: y + foot + 18 };
}

function panelHeight(panel, compact) {
  return compact ? panel.compact : panel.height;
}

/** The ground of the head, and hatching where no network has a value. */
function depthGrounds({ rows, hatch }, { x, slot, heads, tops, bottom }) {
  const column = (at, kind, fill = null) => svg("rect", { class: kind, fill, x: x[at] - slot / 2, y: tops[0], width: slot, height: bottom - tops[0] });
  return rows.map((row, at) => [heads[at] ? column(at, "headroom") : null, isGap(row) ? column(at, "gap", `url(#${hatch})`) : null]);
}

function depthPanel(view, panel, layout, top) {
  const height = panelHeight(panel, view.compact);
  const axis = valueAxis(view, panel, height);
  const y = linearScale([axis.low, axis.high], [top + height, top]);
  const ticks = axis.ticks.map((tick) => [
    svg("line", { class: tick === 0 && panel.zero ? "zero" : "grid", x1: layout.left, x2: layout.right, y1: y(tick), y2: y(tick) }),
    svg("text", { class: "tick end", x: layout.left - 6, y: y(tick) + 4, text: tickText(tick, axis.ticks) }),
  ]);
  const place = { ...layout, y, top, floor: top + height };
  return svg(
    "g",
    {},
    svg("text", { class: "tick", x: layout.left, y: top - 7, text: panel.title }),
    ticks,
    panel.lines.map((line) => intervalBand(view, line, place)),
    panel.lines.map((line) => curveLine(view, line, place)),
    view.compact ? endLabels(view, panel.lines, place) : null,
  );
}

/** Ends of a panel's axis: the data's; an interval that goes far beyond all means is cut, and an arrow says so. */
function valueAxis(view, { lines, zero, fromZero }, height) {
  const known = (values) => values.filter((value) => value !== null);
  const means = known(lines.flatMap(({ mean, model }) => [...view.rows.map((row) => row.get(mean)), ...modelValues(view, model)]));
  const ends = known(lines.flatMap(({ bounds }) => (bounds ? view.rows.flatMap((row) => [row.get(`${bounds}_low`), row.get(`${bounds}_high`)]) : [])));
  if (zero || fromZero) means.push(0);
  const [low, high] = [Math.min(...means), Math.max(...means)];
  const reach = Math.max(high - low, zero ? 0.06 : 0.1);
  const within = ends.map((end) => Math.min(high + reach, Math.max(low - reach, end)));
  const [from, to] = [Math.min(low, ...within), Math.max(high, ...within)];
  const pad = Math.max(to - from, 0.02) * 0.04;
  const least = fromZero ? 0 : from - pad;
  return ticksWithin(zero ? least : Math.max(0, least), zero ? to + pad : Math.min(1, to + pad), height < 60 ? 3 : height < 115 ? 4 : 5);
}

function drawsModels({ on, model }) {
  return on.has("models") || model !== "all";
}

function modelValues(view, column) {
  if (!column || !drawsModels(view)) return [];
  return [...view.models.values()].flatMap((layers) => [...layers.values()].map((row) => row.get(column)));
}

/** Runs of neighbouring layers that have a value; the head stands by itself. */
function runsOf(rows, column, heads) {
  const runs = [[]];
  rows.forEach((row, at) => {
    const known = row.get(column) !== null;
    if (!known || heads[at] !== heads[at - 1]) runs.push([]);
    if (known) runs.at(-1).push(at);
  });
  return runs.filter((run) => run.length > 0);
}

/** The band between the ends of intervals, a whisker where a layer stands alone. */
function intervalBand({ rows }, { kind, bounds }, { x, y, top, floor, heads }) {
  if (!bounds) return null;
  const end = (row, side) => y(rows[row].get(`${bounds}_${side}`));
  const cut = (height) => Math.min(floor, Math.max(top, height));
  return runsOf(rows, `${bounds}_low`, heads).map((run) => {
    const beyond = run.map((row) => [
      end(row, "high") < top - 0.5 ? svg("path", { class: `beyond ${kind}`, d: `M${x[row] - 4} ${top + 6}h8l-4 -6z` }) : null,
      end(row, "low") > floor + 0.5 ? svg("path", { class: `beyond ${kind}`, d: `M${x[row] - 4} ${floor - 6}h8l-4 6z` }) : null,
    ]);
    const side = (row, which) => `${x[row]} ${cut(end(row, which)).toFixed(2)}`;
    const around = [...run.map((row) => side(row, "high")), ...[...run].reverse().map((row) => side(row, "low"))];
    if (run.length > 1) return [svg("path", { class: `interval ${kind}`, d: `M${around.join("L")}Z` }), beyond];
    return [svg("path", { class: `whisker ${kind}`, d: `M${around.join("L")}` }), beyond];
  });
}

function curveLine(view, { kind, whose, mean, model }, place) {
  const { x, y, heads, slot } = place;
  const look = whose ? `${kind} ${whose}` : kind;
  const at = (row) => y(view.rows[row].get(mean));
  const runs = runsOf(view.rows, mean, heads);
  // Where layers are many, marks would hide the line; one that stands alone needs its mark.
  const marked = slot < 16 ? runs.filter((run) => run.length === 1) : runs;
  const paths = runs.filter((run) => run.length > 1).map((run) => `M${run.map((row) => `${x[row]} ${at(row).toFixed(2)}`).join("L")}`);
  return svg(
    "g",
    { "data-line": whose ? `${kind}-${whose}` : kind },
    modelLines(view, { column: model, kind }, place),
    paths.map((d) => svg("path", { class: `line ${look}`, d })),
    marked.flat().map((row) => depthMark(kind, look, x[row], at(row), whose ? 2.5 : 3.5)),
  );
}

/** A thin line for each network, or for the chosen one. */
function modelLines(view, { column, kind }, { x, y, top, floor, heads }) {
  if (!column || !drawsModels(view)) return null;
  const wanted = [...view.models].filter(([model]) => view.on.has("models") || model === view.model);
  return wanted.map(([model, layers]) => {
    const values = view.rows.map((row) => ({ get: () => layers.get(row.get("layer"))?.get(column) ?? null }));
    const at = (row) => `${x[row]} ${Math.min(floor, Math.max(top, y(values[row].get()))).toFixed(2)}`;
    const paths = runsOf(values, column, heads).map((run) => (run.length > 1 ? `M${run.map(at).join("L")}` : `M${at(run[0])}m-3 0h6`));
    const look = model === view.model ? "model chosen" : "model";
    return svg("path", { class: `${look} ${kind}`, d: paths.join("") || "M0 0", "data-model": model });
  });
}

/** A mark of its own for each quantity, so that colour is not all that tells lines apart. */
function depthMark(kind, look, x, y, size) {
  const attributes = { class: `point ${look}` };
  const wide = size * 1.35;
  if (kind === "folded") return svg("rect", { ...attributes, x: x - size, y: y - size, width: 2 * size, height: 2 * size });
  if (kind === "own") return svg("path", { ...attributes, d: `M${x} ${y - wide}L${x + wide} ${y}L${x} ${y + wide}L${x - wide} ${y}Z` });
  if (kind === "on") return svg("path", { ...attributes, d: `M${x} ${y - wide}L${x + wide} ${y + size}H${x - wide}Z` });
  return svg("circle", { ...attributes, cx: x, cy: y, r: size });
}

/** A piece of line as it is drawn, for the switches. */
function lineSample(key) {
  const whose = ["rotated", "untrained"].includes(key);
  const look = key === "models" ? "model raw" : `line ${key}${whose ? " raw" : ""}`;
  const mark = whose || key === "models" ? null : depthMark(key, key, 14, 6, 3.5);
  return svg("svg", { class: "chart depth sample", viewBox: "0 0 28 12", "aria-hidden": "true" }, svg("path", { class: look, d: "M1 6H27" }), mark);
}

const END_LABELS = {
  raw: "label proportion",
  folded: "folded",
  own: "neurons’ own",
  "raw rotated": "random directions",
  "folded rotated": "random, folded",
};

/** @returns {number} the row at which a line ends: its last layer that is tested, as the head stands apart. */
function lineEnd(rows, mean, heads) {
  const known = rows.map((row, at) => (row.get(mean) === null ? -1 : at)).filter((at) => at >= 0);
  return known.findLast((at) => !heads[at]) ?? known.at(-1);
}

/** Names beside the ends of lines, each joined to its line, moved apart where they would overlap. */
function endLabels({ rows }, lines, { x, right, width, y, top, floor, heads }) {
  if (width - right < 60) return null;
  const labels = lines
    .map(({ kind, whose, mean }) => {
      const look = whose ? `${kind} ${whose}` : kind;
      const end = lineEnd(rows, mean, heads);
      const height = y(rows[end].get(mean));
      return { text: END_LABELS[look], look, from: x[end], end: height, y: height };
    })
    .sort((one, other) => one.y - other.y);
  for (let at = 1; at < labels.length; at += 1) labels[at].y = Math.max(labels[at].y, labels[at - 1].y + 13);
  const over = labels.length ? Math.max(0, labels.at(-1).y - floor) : 0;
  return labels.map((label) => {
    const height = Math.max(top + 4, label.y - over);
    return [
      svg("path", { class: `leader ${label.look}`, d: `M${label.from + 6} ${label.end.toFixed(2)}H${right - 4}L${right + 4} ${height.toFixed(2)}` }),
      svg("text", { class: `label ${label.look}`, x: right + 6, y: height + 4, text: label.text }),
    ];
  });
}

/** Layers, and under each the number of neurons that denote. */
function layerAxis({ rows }, { x, bottom, upright, every, longest, foot }) {
  const name = (row, at) => {
    const text = fitted(row.get("layer") ?? "", longest, 11, 0);
    if (upright) return svg("text", { class: "tick end layer", "data-name": row.get("layer"), transform: `translate(${x[at] + 4} ${bottom + 8}) rotate(-90)`, text });
    return svg("text", { class: "tick middle layer", "data-name": row.get("layer"), x: x[at], y: bottom + 14, text });
  };
  const number = (row, at) => svg("text", { class: "tick middle n", x: x[at], y: bottom + foot + 13, text: count(row.get("n_denoting") ?? 0) });
  const named = (row, at) => [at % every.name ? null : name(row, at), at % every.number ? null : number(row, at)];
  return [rows.map(named), svg("text", { class: "tick", x: 0, y: bottom + foot + 13, text: "n" })];
}

/** A part for each layer that shows its numbers and filters by it. */
function layerButtons({ rows }, { x, slot, tops, height }) {
  return rows.map((row, at) => {
    const words = layerNumbers(row).map(([name, value]) => `${name} ${value}`);
    return svg(
      "g",
      { class: "column", role: "button", tabindex: at ? -1 : 0, "data-column": at, "data-layer": row.get("layer"), "aria-label": `${layerWords(row.get("layer"))}: ${words.join(", ")}`, "aria-pressed": "false" },
      svg("rect", { class: "hit", x: x[at] - slot / 2, y: tops[0] - 4, width: slot, height: height - tops[0] + 4, rx: 3 }),
    );
  });
}
