// The table of a heat map, its legend and its words. `map` has what update() of HeatMap makes: data, scale, write.

const MOST_ROWS = 40;
const MOST_COMPACT_ROWS = 14;
const LEAST_COLUMN = 38;
const LEAST_COMPACT_COLUMN = 3;

/** @returns {boolean} whether a row has a value at any layer. */
function isRead(row) {
  return row.cells.some((cell) => cell && cell.value !== null);
}

/** @returns {Object} which rows are drawn and how wide columns are, for a width in pixels. */
function heatPlan({ data, compact, all }, width) {
  const { columns, beside } = data;
  const rows = compact ? data.rows.filter(isRead) : data.rows;
  const most = compact ? MOST_COMPACT_ROWS : MOST_ROWS;
  const ends = () => (compact ? [...rows.slice(0, most - 5), null, ...rows.slice(-4)] : rows.slice(0, most));
  const drawn = all || rows.length <= most ? rows : ends();
  const names = drawn.filter(Boolean).map(({ attribute }) => textWidth(attribute, 12));
  const head = Math.ceil(Math.min(Math.max(...names) + 14, width * 0.32, 220));
  const widest = Math.max(...columns.map(({ title }) => textWidth(title)));
  const aside = compact ? 18 : LEAST_COLUMN;
  const even = Math.floor((width - head - 12) / (columns.length + beside.length));
  const room = even < aside ? Math.floor((width - head - 12 - aside * beside.length) / columns.length) : even;
  const cell = Math.max(compact ? LEAST_COMPACT_COLUMN : LEAST_COLUMN, Math.min(Math.max(compact ? 60 : 76, Math.min(110, widest + 8)), room));
  return {
    drawn,
    head,
    cell,
    aside: Math.max(cell, aside),
    // Names that are wider than their column stand upright; of many thin columns every few are named.
    upright: widest > cell - 4,
    every: cell < 15 ? Math.ceil(15 / cell) : 1,
    narrow: cell < 46,
    digits: cell >= 32,
    left: rows.length - drawn.filter(Boolean).length,
    unread: data.rows.length - rows.length,
  };
}

/** @returns {HTMLElement} the table, its cells with what they stand for in `heat`. */
function heatTable(map, plan, names) {
  const { columns, beside } = map.data;
  const all = [...columns, ...beside];
  const kinds = { heat: true, upright: plan.upright, bare: !plan.digits, narrow: plan.narrow, tiny: plan.cell < 12 };
  const width = plan.head + plan.cell * columns.length + plan.aside * beside.length + (beside.length ? 8 : 0);
  const table = el(
    "table",
    { class: Object.keys(kinds).filter((kind) => kinds[kind]).join(" "), role: "grid", "aria-labelledby": names.title, "aria-describedby": names.words, css: { width: `${width}px` } },
    el("colgroup", {}, el("col", { css: { width: `${plan.head}px` } }), all.map((_, at) => el("col", { css: { width: `${at < columns.length ? plan.cell : plan.aside}px` } }))),
    el("thead", {}, headRow(map, plan)),
    el("tbody", {}, plan.drawn.map((row) => (row ? heatRow(map, plan, row) : gapRow(plan, all.length)))),
  );
  table.querySelector("td[tabindex]").tabIndex = 0;
  return table;
}

/** @returns {number} the size of letters in a map, in pixels. */
function compactSize({ compact }) {
  return compact ? 11 : 12;
}

function headRow({ data, compact }, plan) {
  const room = plan.upright ? (compact ? 80 : 120) : Infinity;
  const twoLines = (name, below) => [
    el("span", { class: "name", text: fitted(name, room, 11, 0) }),
    compact || !below ? null : el("span", { class: "module", text: fitted(below, room, 10) }),
  ];
  const layer = ({ title, module, name, depth, head }, at) => {
    const words = [layerWords(title), module, depth === null ? "" : `depth ${depth}`, head ? "the head" : ""].filter(Boolean).join(", ");
    return el("th", { scope: "col", "data-layer": name, tabindex: -1, title: words, "aria-label": words }, twoLines(at % plan.every ? "" : title, module));
  };
  const aside = ({ title, words, score }, at) => el("th", { scope: "col", class: at ? "beside" : "beside first", tabindex: -1, title: words }, twoLines(title, score));
  const corner = el("th", { scope: "col", class: "corner", tabindex: -1 }, el("span", { class: "visually-hidden", text: "attribute" }));
  return el("tr", {}, corner, data.columns.map(layer), data.beside.map(aside));
}

function heatRow(map, plan, row) {
  const { data, scale, write } = map;
  const place = data.rows.indexOf(row);
  const aside = ({ values, coloured }, at) => {
    const value = values[place];
    const kind = coloured && value !== null ? heatClass(value, scale) : "uncoloured";
    return el("td", { class: `beside ${kind}${at ? "" : " first"}`, tabindex: -1, text: plan.digits ? write(value) : "" });
  };
  return el(
    "tr",
    {},
    el("th", { scope: "row", "data-attribute": row.attribute, tabindex: -1, title: row.attribute, "aria-label": row.attribute, text: fitted(row.attribute, plan.head - 10, compactSize(map)) }),
    row.cells.map((cell, at) => heatCell(map, plan, { cell, row, column: data.columns[at] })),
    data.beside.map(aside),
  );
}

function heatCell(map, plan, heat) {
  const { cell, row, column } = heat;
  if (!cell) return el("td", { class: "absent", tabindex: -1, "aria-label": `${row.attribute} at ${layerWords(column.title)}: not observed` });
  const known = cell.value !== null;
  const kind = `${known ? heatClass(cell.value, map.scale) : "null"} ${cell.mark}`.trim();
  const text = known && plan.digits ? map.write(cell.value) : "";
  const element = el("td", { class: kind, "data-cell": cell.rows[0], tabindex: -1, "aria-label": cellWords(map, heat), text });
  element.heat = heat;
  return element;
}

/** Between the first and the last rows of a compact map. */
function gapRow(plan, n) {
  return el("tr", { class: "between" }, el("td", { colspan: 1 + n, text: `${count(plan.left)} more between` }));
}

function cellWords({ data, write }, { cell, row, column }) {
  const decisive = cell.rows.length === 1 ? (cell.decisive ? "decisive" : "not decisive") : `decisive in ${cell.decisive} of ${cell.rows.length}`;
  const value = cell.value === null ? `no value, ${nullReason(cell)}` : `${SCORES[data.metric].title} ${write(cell.value)}, ${decisive}`;
  return `${row.attribute} at ${layerWords(column.title)}: ${value}`;
}

/** Why a cell has no value, by the note of its first row that has one. */
function nullReason(cell) {
  return cell.rows.map((at) => frame("cells").get("note", at)).find(Boolean) ?? "no reason was kept";
}

/** @returns {Array} the hover text of a cell: value, interval, controls and rows. */
function cellTip({ data, write, difference }, { cell, row, column }) {
  const cells = frame("cells");
  const { title, low, high } = SCORES[data.metric];
  const known = cell.values.filter((value) => value !== null);
  const one = cell.rows.length === 1 && low ? cell.rows[0] : null;
  const score = one === null ? write(cell.value) : interval(cell.value, cells.get(low, one), cells.get(high, one));
  const control = (name) => {
    const mean = meanOf(cell.rows.map((at) => cells.get(name, at)));
    return mean === null ? null : (difference ? share : write)(mean);
  };
  const rows = [...new Set(cell.rows.map((at) => cells.get("n_test", at)))].filter((n) => n !== null);
  return tipLines(`${row.attribute} at ${layerWords(column.title)}`, [
    [title, cell.value === null ? `no value: ${nullReason(cell)}` : score],
    [`range of ${known.length}`, known.length > 1 ? `${write(Math.min(...known))} to ${write(Math.max(...known))}` : null],
    ["decisive", cell.rows.length === 1 ? (cell.decisive ? "yes" : "no") : `in ${cell.decisive} of ${cell.rows.length}`],
    ["AUROC", data.metric === "auroc" ? null : control("auroc")],
    ["AUROC, raw input", control("input_auroc")],
    ["AUROC, untrained network", control("untrained_auroc")],
    ["AUROC, shuffled labels", control("control_auroc")],
    ["label proportion", control("label_proportion")],
    ["test rows", rows.map((n) => count(n)).join(" or ")],
  ]);
}

/** @returns {Array} the legend: the scale of colours and the marks that occur. */
function heatLegend({ data, scale, compact, difference, probe }) {
  const { low, high, steps, letter } = scale;
  const end = (value) => el("span", { text: difference ? signedShare(value) : share(value) });
  const swatches = Array.from({ length: steps }, (_, at) => el("i", { class: `${letter}${at}` }));
  const cells = data.rows.flatMap((row) => row.cells.filter(Boolean));
  const key = (kind, text) => el("span", { class: "key" }, el("i", { class: kind }), text);
  const several = cells.some((cell) => cell.rows.length > 1);
  return [
    compact ? el("span", { text: `${probe} observers` }) : null,
    el("span", { class: "scale" }, end(low), el("span", { class: "swatches", "aria-hidden": "true" }, swatches), end(high)),
    cells.some((cell) => cell.mark === "all") ? key("decisive all", several ? `decisive in ${compact ? "all" : "every network"}` : "decisive") : null,
    cells.some((cell) => cell.mark === "some") ? key("decisive some", compact ? "in some" : "decisive in some") : null,
    cells.some((cell) => cell.value === null) ? key("null", "no value") : null,
  ];
}

/**
 * Count attributes as the answer does (evidence/first_decisive.py): decisive at some hidden layer in half or more of the
 * networks scored there, of several observers' seeds or poolings in half of them.
 */
function decisiveRows({ rows, columns }) {
  const isHidden = ({ depth, head }) => depth !== null && !head;
  const hidden = columns.some((column, at) => isHidden(column) && rows.some((row) => row.cells[at]));
  const names = new Set(columns.filter((column) => !hidden || isHidden(column)).map(({ name }) => name));
  const passes = (row) => [...names].some((name) => isDecisive(row.cells.filter((cell, at) => cell && columns[at].name === name)));
  return { hidden, decisive: rows.filter(passes).length };
}

function isDecisive(found) {
  const cells = frame("cells");
  const models = new Map();
  for (const at of found.flatMap(({ rows }) => rows)) {
    const decisive = cells.get("decisive", at);
    if (decisive === null) continue;
    const model = cells.get("model", at);
    models.set(model, [...(models.get(model) ?? []), Number(decisive)]);
  }
  const shares = [...models.values()].map((each) => Number(meanOf(each) >= 0.5));
  return shares.length > 0 && meanOf(shares) >= 0.5;
}

/** @returns {string} the map in words, for those who do not see it. */
function heatWords({ data, write }) {
  const { hidden, decisive } = decisiveRows(data);
  const places = data.rows.flatMap((row) => row.cells.map((cell, at) => ({ cell, row, column: data.columns[at] })));
  const known = places.filter(({ cell }) => cell && cell.value !== null);
  const best = known.reduce((one, other) => (other.cell.value > one.cell.value ? other : one));
  const worst = known.reduce((one, other) => (other.cell.value < one.cell.value ? other : one));
  const at = ({ cell, row, column }) => `${write(cell.value)} for ${row.attribute} at ${layerWords(column.title)}`;
  return (
    `${count(data.rows.length, "attribute")} by ${count(data.columns.length, "layer")}. ${count(decisive)} decisive at some ${hidden ? "hidden " : ""}layer${data.n > 1 ? " in half of the networks or more" : ""}. ` +
    `Highest ${at(best)}, lowest ${at(worst)}. Arrow keys move between cells, Enter opens the evidence.`
  );
}

/** @returns {string} what is left out of a map, and what decisive means. */
function heatNote({ data, compact }, { left, unread }) {
  const n = count(data.rows.length, "attribute");
  if (compact) {
    const parts = [left ? `${count(left)} in the middle` : "", unread ? `${count(unread)} without a value` : ""].filter(Boolean);
    return parts.length ? `Of ${n}, ${parts.join(" and ")} ${left + unread === 1 ? "is" : "are"} left out; Explore has all.` : "";
  }
  const rule = page.data.rule;
  const decisive = rule
    ? ` Decisive: balanced accuracy of at least ${share(rule.decisive)}, its lower bound at least ${share(rule.null)}, q at most ${share(rule.q)}, and ${rule.min_rows} rows of each kind.`
    : "";
  const unsent = page.data.cells_left_out ? ` ${count(page.data.cells_left_out, "cell")} of this sweep are not in this file.` : "";
  const where = `${decisiveRows(data).hidden ? "a hidden" : "some"} layer${data.n > 1 ? " in half of the networks or more" : ""}`;
  const counted = ` The answer counts attributes that are decisive at ${where}.`;
  const more = left ? ` ${count(left)} of ${n} are not shown, those read worst: filter by family, or` : "";
  return `Best read first.${decisive}${counted}${unsent}${more}`;
}
