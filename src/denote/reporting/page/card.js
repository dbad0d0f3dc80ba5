// The evidence card of a cell: one attribute, read off one layer by one observer, beside its controls.

/** Draw the card once; afterwards it follows the state. */
function drawCard() {
  const card = byId("card");
  let shown = null;
  const update = () => {
    if (page.state.cell === null) closeCard(card, shown);
    else openCard(card, page.state.cell);
    shown = page.state.cell;
  };
  update();
  page.on((state, changed) => {
    if (!changed.has("cell") && !changed.has("model") && !changed.has("group")) return;
    update();
    if (changed.has("cell") && state.cell !== null) meet(card.querySelector("h3"));
  });
}

/** Move the focus to a heading; scroll only where it is out of sight. */
function meet(heading) {
  const { top, bottom } = heading.getBoundingClientRect();
  heading.focus({ preventScroll: true });
  if (top < 0 || bottom > window.innerHeight) heading.scrollIntoView({ block: "center" });
}

/** Close the card; the focus goes back to the cell in the heat map, which may have been drawn anew. */
function closeCard(card, cell) {
  const inside = card.contains(document.activeElement);
  card.hidden = true;
  show(card);
  if (!inside) return;
  const drawn = [...document.querySelectorAll("#heatmap [data-cell]")];
  (drawn.find((element) => element.heat?.cell.rows.includes(cell)) ?? drawn[0])?.focus();
}

function openCard(card, at) {
  const cells = frame("cells");
  const layer = frame("layers").get("layer", cells.get("layer", at));
  const title = `${cells.get("attribute", at)} in ${layerWords(layer)}`;
  card.hidden = false;
  show(
    card,
    el("div", { class: "topline" }, el("h3", { tabindex: -1, text: title }), closeLink("cell", "Close the card")),
    el("p", { class: "soft" }, cellPlace(at), cellOthers(at)),
    el("p", { class: "verdict" }, verdictMark(cells.get("decisive", at)), cellVerdict(at)),
    usedOf(cells.get("used", at)),
    scoreBars(cellBars(at), "AUROC on held-out inputs, beside its controls"),
    facts(cellFacts(at)),
    cellSeeds(at),
    el("p", {}, neuronsOfCell(at)),
    cells.get("card", at) ? el("details", {}, el("summary", { text: "The whole card" }), el("p", { text: cells.get("card", at) })) : null,
    noteOf(cells.get("note", at)),
  );
}

function closeLink(key, text) {
  return el("a", { class: "close", href: `#${key}=`, text });
}

function cellPlace(at) {
  const cells = frame("cells");
  const seed = cells.get("probe_seed", at) ? `, observer's seed ${cells.get("probe_seed", at)}` : "";
  const networks = cellsOfNetworks(at).length;
  const among = networks > 1 ? `, one of ${networks} networks` : "";
  return `${frame("models").get("key", cells.get("model", at))}${among}, observer ${cells.get("probe", at)}${seed}, family ${cells.get("family", at)}`;
}

/** @returns {number[]} a cell of each network that is shown, this one among them. */
function cellsOfNetworks(at) {
  const models = frame("cells").column("model");
  const first = new Map([[models[at], at]]);
  for (const other of sameCells(at)) if (!first.has(models[other])) first.set(models[other], other);
  return [...first.values()].sort((one, other) => models[one] - models[other]);
}

const MOST_LINKS = 5;

/** Links to the same cell in the other networks; the map shows the mean of all. */
function cellOthers(at) {
  const others = cellsOfNetworks(at).filter((other) => other !== at);
  if (!others.length) return null;
  const name = (other) => frame("models").get("key", frame("cells").get("model", other));
  const links = others.slice(0, MOST_LINKS).flatMap((other) => [", ", el("a", { href: `#cell=${other}`, text: name(other) })]);
  const more = others.length > MOST_LINKS ? ` and ${others.length - MOST_LINKS} more below` : "";
  return [". The map shows their mean; the others: ", links.slice(1), `${more}.`];
}

function verdictMark(yes) {
  return el("span", { class: yes ? "mark yes" : "mark no", "aria-hidden": "true", text: yes ? "✓" : "–" });
}

function cellVerdict(at) {
  const cells = frame("cells");
  const decisive = cells.get("decisive", at);
  if (decisive === null) return "Not scored.";
  if (decisive) return `Decisive: balanced accuracy ${share(cells.get("balanced_accuracy", at))} on held-out inputs, by the whole rule.`;
  return `Not decisive: ${cellReasons(at).join(", ") || "a condition of the rule does not hold"}.`;
}

function cellReasons(at) {
  const cells = frame("cells");
  const { decisive, null: least, q } = page.data.rule ?? {};
  return [
    tooLow("balanced accuracy", cells.get("balanced_accuracy", at), decisive),
    tooLow("its lower bound", cells.get("balanced_accuracy_bound", at), least),
    tooHigh("the q-value", cells.get("q_value", at), q),
  ].filter(Boolean);
}

/** Scores that meet a limit but for rounding in floating point do meet it. */
const SLACK = 1e-9;

function tooLow(name, value, least) {
  if (least === undefined || value === null || value >= least - SLACK) return null;
  return `${name} ${farFrom(value, least)} is below ${share(least)}`;
}

function tooHigh(name, value, most) {
  if (most === undefined || value === null || value <= most + SLACK) return null;
  return `${name} ${small(value)} is above ${small(most)}`;
}

/** Write a number with as many digits as it takes to tell it from a limit. */
function farFrom(value, limit) {
  const digits = [2, 3, 4].find((decimals) => share(value, decimals) !== share(limit, decimals)) ?? 4;
  return share(value, digits);
}

function cellBars(at) {
  const cells = frame("cells");
  const controls = [
    ["raw input", "input_auroc"],
    ["untrained networks", "untrained_auroc"],
    ["rotated neurons", "rotated_auroc"],
    ["shuffled labels", "control_auroc"],
  ];
  const own = { label: "this observer", own: true, value: cells.get("auroc", at), low: cells.get("auroc_low", at), high: cells.get("auroc_high", at) };
  return [own, ...controls.map(([label, column]) => ({ label, value: cells.get(column, at) }))];
}

function cellFacts(at) {
  const cells = frame("cells");
  const balanced = interval(cells.get("balanced_accuracy", at), cells.get("balanced_accuracy_low", at), cells.get("balanced_accuracy_high", at));
  const rows = cells.get("n_test", at);
  return [
    ["balanced accuracy", balanced],
    ["AUROC above shuffled labels", share(cells.get("selectivity", at))],
    ["label proportion", share(cells.get("label_proportion", at))],
    ["q-value", small(cells.get("q_value", at))],
    ["held-out inputs", rows === null ? EMPTY : count(rows)],
  ];
}

/** The same cell in the other seeds that are shown. */
function cellSeeds(at) {
  const same = sameCells(at);
  if (same.length < 2) return null;
  const cells = frame("cells");
  const rows = same.map((other) => [
    el("a", { href: `#cell=${other}`, text: frame("models").get("key", cells.get("model", other)), "aria-current": other === at && "true" }),
    share(cells.get("auroc", other)),
    share(cells.get("balanced_accuracy", other)),
    cells.get("decisive", other) ? "yes" : "no",
  ]);
  return smallTable("In every seed", ["Seed", "AUROC", "Balanced accuracy", "Decisive"], rows);
}

function sameCells(at) {
  const cells = frame("cells");
  const names = frame("layers").column("layer");
  const alike = (row) => ["attribute", "family", "probe", "probe_seed"].map((name) => cells.get(name, row)).join("\n") + names[cells.get("layer", row)];
  const [wanted, models] = [alike(at), new Set(page.models())];
  const rows = [];
  for (let row = 0; row < cells.n; row += 1) if (models.has(cells.get("model", row)) && alike(row) === wanted) rows.push(row);
  return rows;
}

/** Say how many neurons of the layer denote the attribute or its opposite, with a link to them. */
function neuronsOfCell(at) {
  const cells = frame("cells");
  const [attribute, layer] = [cells.get("attribute", at), frame("layers").get("layer", cells.get("layer", at))];
  const wanted = { ...page.state, attribute, layer, family: "", search: "", denotes: "denoting" };
  const n = new Set(neuronRows(wanted).map((row) => neuronKey(row))).size;
  if (!n) return `No single neuron of ${layerWords(layer)} denotes it.`;
  const link = page.href({ neuron: null, attribute, layer, family: "", search: "", denotes: "denoting" });
  return [el("a", { href: link, text: count(n, "neuron") }), ` of ${layerWords(layer)} ${n === 1 ? "denotes" : "denote"} it or its opposite.`];
}

/** Say what ablation showed of a cell or neuron; nothing where it was not tested. */
function usedOf(sentence) {
  return sentence ? el("p", { class: "used" }, el("strong", { text: "Used, or only readable? " }), sentence) : null;
}

function noteOf(note) {
  return note ? el("p", { class: "soft", text: `Notes: ${note}.` }) : null;
}

/**
 * Draw scores as bars from .5 (guessing) to 1; the numbers stand in the table, the bars are for the eye only.
 *
 * @param {Object[]} rows `label`, `value`, and `low`, `high`, `own` where there are; null values are left out.
 * @param {string} caption
 * @returns {HTMLElement}
 */
function scoreBars(rows, caption) {
  const known = rows.filter(({ value }) => value !== null && value !== undefined);
  if (!known.length) return null;
  const lines = known.map((row) =>
    el(
      "tr",
      { class: row.own && "own" },
      el("th", { scope: "row", text: row.label }),
      el("td", { class: "number", text: interval(row.value, row.low, row.high) }),
      el("td", { class: "track", "aria-hidden": "true" }, bar(row)),
    ),
  );
  const head = el("tr", {}, ["Of what", "Score"].map((text) => el("th", { scope: "col", class: "sr", text })), el("td", { class: "sr" }));
  return el("table", { class: "scores" }, el("caption", { text: caption }), el("thead", {}, head), el("tbody", {}, lines));
}

function bar({ value, low, high }) {
  const place = (number) => `${Math.max(0, Math.min(1, (number - 0.5) / 0.5)) * 100}%`;
  const bounds = low === null || low === undefined ? null : el("i", { css: { left: place(low), right: `calc(100% - ${place(high ?? value)})` } });
  return el("div", { class: "gauge" }, el("b", { css: { width: place(value) } }), bounds);
}

/** @param {Array[]} pairs name and value; pairs without a value are left out. */
function facts(pairs) {
  return el("dl", { class: "facts" }, pairs.filter(([, value]) => value && value !== EMPTY).map(([name, value]) => el("div", {}, el("dt", { text: name }), el("dd", { text: value }))));
}

/** A table of a few rows; a cell is text or a node. The first cell of a row is its heading. */
function smallTable(caption, heads, rows) {
  const line = (row) => el("tr", {}, row.map((cell, at) => el(at ? "td" : "th", { scope: at ? null : "row" }, cell)));
  return el(
    "div",
    { class: "wide", tabindex: 0, role: "region", "aria-label": caption },
    el("table", { class: "plain" }, el("caption", { text: caption }), el("thead", {}, el("tr", {}, heads.map((text) => el("th", { scope: "col", text })))), el("tbody", {}, rows.map(line))),
  );
}
