// Scores of observers by attribute and layer, and how they are coloured and written.

const HEAT_STEPS = 10;
const DIFFERENCE_STEPS = 9;

/** How each score is read off a row of `cells`; scores that are differences have two ends and a middle. */
const SCORES = {
  balanced_accuracy: { title: "Balanced accuracy", low: "balanced_accuracy_low", high: "balanced_accuracy_high" },
  auroc: { title: "AUROC", low: "auroc_low", high: "auroc_high" },
  selectivity: { title: "AUROC above shuffled labels" },
  input_gain: { title: "AUROC above the raw input", less: "input_auroc" },
  untrained_gain: { title: "AUROC above untrained networks", less: "untrained_auroc" },
};

/** @returns {?number} a score of a row of `cells`; null where it, or what is taken off it, is not known. */
function scoreOf(metric, at) {
  const cells = frame("cells");
  const less = SCORES[metric].less;
  if (!less) return cells.get(metric, at);
  const [auroc, beside] = [cells.get("auroc", at), cells.get(less, at)];
  return auroc === null || beside === null ? null : auroc - beside;
}

function meanOf(numbers) {
  const known = numbers.filter((number) => number !== null && number !== undefined);
  return known.length ? known.reduce((sum, number) => sum + number, 0) / known.length : null;
}

/**
 * Put the cells of some networks in rows of attributes and columns of layers.
 *
 * @param {{models: number[], probe: string, family: string, metric: string}} wanted What is shown.
 * @returns {{rows: Object[], columns: Object[], metric: string, n: number}} each row has `cells`, one per column,
 *     null where nothing was observed; best read first.
 */
function heatRows({ models, probe, family, metric }) {
  const cells = frame("cells");
  const columns = layerColumns(models);
  const place = new Map(columns.flatMap(({ layers }, column) => [...layers].map((layer) => [layer, column])));
  const families = cells.levels("family");
  const chosen = families.includes(family) ? family : "";
  const rows = new Map();
  const wanted = new Set(models);
  for (let at = 0; at < cells.n; at += 1) {
    if (!wanted.has(cells.get("model", at)) || cells.get("probe", at) !== probe) continue;
    if (chosen && cells.get("family", at) !== chosen) continue;
    const attribute = cells.get("attribute", at);
    if (!rows.has(attribute)) rows.set(attribute, { attribute, family: cells.get("family", at), cells: columns.map(() => null) });
    const column = place.get(cells.get("layer", at));
    if (column !== undefined) (rows.get(attribute).cells[column] ??= { rows: [] }).rows.push(at);
  }
  for (const row of rows.values()) for (const cell of row.cells) if (cell) summarise(cell, metric);
  const best = (row) => meanOf(row.cells.map((cell) => cell?.value ?? null)) ?? -1;
  const ordered = [...rows.values()].map((row) => ({ ...row, mean: best(row) })).sort((one, other) => other.mean - one.mean);
  const used = columns.map((_, at) => ordered.some((row) => row.cells[at]));
  for (const row of ordered) row.cells = row.cells.filter((_, at) => used[at]);
  return { rows: ordered, columns: columns.filter((_, at) => used[at]), metric, n: models.length };
}

/** @returns {string} "3 networks"; "2 to 3 networks, by cell" where not every cell has a value in every network. */
function networksOfMeans({ rows }) {
  const cells = frame("cells");
  const known = ({ rows: own, values }) => new Set(own.filter((_, at) => values[at] !== null).map((at) => cells.get("model", at))).size;
  const numbers = rows.flatMap((row) => row.cells.filter((cell) => cell && cell.value !== null).map(known));
  const least = numbers.reduce((one, other) => Math.min(one, other), Infinity);
  const most = numbers.reduce((one, other) => Math.max(one, other), 0);
  return least < most ? `${least} to ${most} networks, by cell` : count(most, "network");
}

/** The layers of some networks by depth; networks that differ in their seed share them. A layer without a depth is last. */
function layerColumns(models) {
  const layers = frame("layers");
  const columns = new Map();
  const wanted = new Set(models);
  for (let at = 0; at < layers.n; at += 1) {
    if (!wanted.has(layers.get("model", at))) continue;
    const [name, pooling] = [layers.get("layer", at), layers.get("pooling", at)];
    const key = JSON.stringify([name, pooling]);
    const known = { name, pooling, depth: layers.get("depth", at), module: layers.get("module_class", at), head: layers.get("is_head", at) };
    if (!columns.has(key)) columns.set(key, { ...known, layers: new Set() });
    columns.get(key).layers.add(at);
  }
  const ordered = [...columns.values()].sort((one, other) => (one.depth ?? Infinity) - (other.depth ?? Infinity));
  const several = new Set(ordered.map(({ name }) => name)).size < ordered.length;
  return ordered.map((column) => ({ ...column, title: several && column.pooling ? `${column.name} ${column.pooling}` : column.name }));
}

/** Average the rows of a cell over networks and observers' seeds. */
function summarise(cell, metric) {
  const cells = frame("cells");
  cell.values = cell.rows.map((at) => scoreOf(metric, at));
  cell.value = meanOf(cell.values);
  cell.decisive = cell.rows.filter((at) => cells.get("decisive", at)).length;
  cell.mark = cell.decisive === 0 ? "" : cell.decisive === cell.rows.length ? "all" : "some";
}

/** The AUROC of controls of a row, averaged over networks; of what differs by layer the best layer. */
function besideOf(row) {
  const cells = frame("cells");
  const best = (column) => {
    const means = row.cells.map((cell) => cell && meanOf(cell.rows.map((at) => cells.get(column, at))));
    const known = means.filter((mean) => mean !== null && mean !== undefined);
    return known.length ? Math.max(...known) : null;
  };
  return { own: best("auroc"), input: best("input_auroc"), untrained: best("untrained_auroc") };
}

/** Raw input and untrained networks are known by AUROC only: beside another score they stand as plain numbers. */
function besideColumns({ rows, metric }, compact) {
  const found = rows.map(besideOf);
  const coloured = metric === "auroc";
  const column = (title, words, key) => ({ title, words: `AUROC of ${words}`, score: coloured ? "" : "AUROC", coloured, values: found.map((row) => row[key]) });
  const controls = [
    column("raw input", "the same observers on the raw input", "input"),
    column("untrained", "the same observers on untrained networks, at their best layer", "untrained"),
  ].filter(({ values }) => values.some((value) => value !== null));
  if (metric === "auroc" || controls.length === 0) return controls;
  if (metric !== "balanced_accuracy" || compact) return [];
  return [column("best layer", "the best layer", "own"), ...controls];
}

/** Ends of the colour scale: round numbers around the data, for differences as far on both sides of 0. */
function heatScale(values, difference) {
  const known = values.filter((value) => value !== null);
  if (difference) {
    const reach = [0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 1].find((end) => known.every((value) => Math.abs(value) <= end)) ?? 1;
    return { low: -reach, high: reach, steps: DIFFERENCE_STEPS, letter: "d" };
  }
  const least = Math.min(...known);
  const most = Math.max(...known);
  const low = [0.98, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0].find((end) => end <= least) ?? Math.floor(least * 10) / 10;
  const high = [1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1].filter((end) => end >= most && end > low).pop() ?? 1;
  return { low, high, steps: HEAT_STEPS, letter: "s" };
}

/** @returns {string} the class of a cell's colour. */
function heatClass(value, { low, high, steps, letter }) {
  const step = Math.floor(((value - low) / (high - low)) * steps);
  return `${letter}${Math.min(steps - 1, Math.max(0, step))}`;
}

/** @returns {function(number): string} how values are written: with a third digit near 1 where two would hide that they differ. */
function heatWriter(values, difference) {
  if (difference) return signedShare;
  const near = (value) => value !== null && value >= 0.985 && value < 1;
  const crowded = new Set(values.filter(near)).size > 1;
  return (value) => share(value, crowded && near(value) ? 3 : 2);
}
