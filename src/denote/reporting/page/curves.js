// Curves over depth: their rows, what of them is drawn, and their numbers in words.

/** Layers of the drawing that can be switched; `usual` ones are on unless the address says otherwise. */
const DEPTH_LAYERS = [
  { key: "raw", text: "label proportion", usual: true },
  { key: "folded", text: "folded: min(p, 1 − p)", usual: true },
  { key: "own", text: "neurons’ own: folded − random directions", usual: true },
  { key: "rotated", text: "random directions", usual: true },
  { key: "untrained", text: "untrained networks", usual: true },
  { key: "on", text: "how often neurons are on", usual: false },
  { key: "share", text: "share of neurons that denote", usual: true },
  { key: "models", text: "each network", usual: false },
];
const COMPACT_LAYERS = ["raw", "folded", "own", "rotated"];

/** Panels from top to bottom, with the lines of each: which column, whose, and what its interval's ends begin with. */
const DEPTH_PANELS = [
  {
    title: "share of test rows",
    height: 210,
    compact: 118,
    lines: [
      { kind: "on", mean: "on_proportion_mean", model: "on_proportion" },
      { kind: "raw", whose: "rotated", mean: "rotated_label_proportion_mean" },
      { kind: "folded", whose: "untrained", mean: "untrained_folded_mean" },
      { kind: "folded", whose: "rotated", mean: "rotated_folded_mean" },
      { kind: "raw", mean: "label_proportion_mean", bounds: "label_proportion", model: "label_proportion" },
      { kind: "folded", mean: "folded_mean", bounds: "folded", model: "folded" },
    ],
  },
  {
    title: "folded − random directions",
    height: 110,
    compact: 56,
    zero: true,
    lines: [{ kind: "own", mean: "own_mean", bounds: "own", model: "own" }],
  },
  {
    title: "share of live neurons that denote",
    height: 96,
    fromZero: true,
    lines: [
      { kind: "share", whose: "untrained", mean: "untrained_share_denoting" },
      { kind: "share", whose: "rotated", mean: "rotated_share_denoting" },
      { kind: "share", mean: "share_denoting", bounds: "share_denoting", model: "share_denoting" },
    ],
  },
];

/** @returns {string} what a layer without a value has too few of. */
function tooFew() {
  return page.data.too_few ?? "too few denoting neurons";
}

/** @returns {{get: function(string): *}[]} the rows of a curve by depth. */
function curveRows(curve) {
  const curves = frame("curves");
  const rows = [];
  for (let at = 0; at < curves.n; at += 1) if (curves.get("curve", at) === curve) rows.push({ get: (column) => curves.get(column, at) });
  return rows.sort((one, other) => (one.get("depth") ?? Infinity) - (other.get("depth") ?? Infinity));
}

/** @returns {Map<number, Map<string, Object>>} the rows of a curve by network, then by layer. */
function curveModels(curve) {
  const table = frame("by_model");
  const models = new Map();
  for (let at = 0; at < table.n; at += 1) {
    if (table.get("curve", at) !== curve) continue;
    const model = table.get("model", at);
    if (!models.has(model)) models.set(model, new Map());
    const [folded, rotated] = [table.get("folded", at), table.get("rotated_folded", at)];
    const own = folded === null || rotated === null ? null : folded - rotated;
    models.get(model).set(table.get("layer", at), { get: (column) => (column === "own" ? own : table.get(column, at)) });
  }
  return models;
}

/** @returns {boolean} whether a curve is of the networks of a group. */
function isCurveOf(name, group) {
  const model = group.models[0];
  return ["dataset", "architecture", "trained", "epoch"].every((part) => (name[part] ?? null) === frame("models").get(part, model));
}

/** @returns {number} the curve to show: the chosen one where it belongs to the chosen networks, else one that does, else -1. */
function curveOf({ curve, group, family }) {
  const names = page.data.curve_names ?? [];
  const fits = (name) => isCurveOf(name, page.groups[group]);
  if (names[curve] && fits(names[curve])) return curve;
  const same = names.findIndex((name) => fits(name) && name.family === family);
  return same >= 0 ? same : names.findIndex(fits);
}

/** @returns {number} how many networks a curve is a mean of. */
function curveNetworks(rows) {
  return Math.max(0, ...rows.map((row) => row.get("n_models") ?? 0));
}

/** @returns {?string} "7 of 8" where some networks have no value at a layer, else null. */
function ofNetworks(row) {
  const [known, all] = [row.get("n_models_with_value"), row.get("n_models")];
  return known === null || known === 0 || known === all ? null : `${known} of ${all}`;
}

/** @returns {string} "8 networks"; "7 to 8 networks, by layer" where some have no value at some layer. */
function meanOfNetworks(rows) {
  const numbers = rows.filter((row) => !isGap(row)).map((row) => row.get("n_models_with_value") ?? row.get("n_models") ?? 0);
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  if (!numbers.length || least === most) return `${numbers.length ? most : curveNetworks(rows)} networks`;
  return `${least} to ${most} networks, by layer`;
}

function sumOf(rows, column) {
  return rows.reduce((sum, row) => sum + (row.get(column) ?? 0), 0);
}

/** @returns {boolean} whether there are too few denoting neurons at a layer for a label proportion. */
function isGap(row) {
  return row.get("label_proportion_mean") === null;
}

/** Why there is no curve, in one sentence; empty where there is one. */
function whyNoCurve(rows, name) {
  if (rows.length === 0) return "No neuron was searched for what it denotes here, so there is no curve over depth.";
  if (rows.every((row) => row.get("depth") === null)) return "Only all layers together were observed, which have no depth, so there is no curve.";
  const family = name?.family ? ` of family ${name.family}` : "";
  const denoting = sumOf(rows, "n_denoting");
  if (denoting === 0) return `No neuron denotes a property${family}, so there is no curve over depth.`;
  if (!rows.every(isGap)) return "";
  const all = count(sumOf(rows, "n_live"), "live neuron");
  return `${count(denoting)} of ${all} ${denoting === 1 ? "denotes" : "denote"} a property${family}, too few for a curve: every layer has ${tooFew()}.`;
}

/** @returns {string[][]} pairs of what and how much at a layer, the null ones left out. */
function layerNumbers(row) {
  const value = (name, bounds) => (row.get(name) === null ? null : interval(row.get(name), row.get(`${bounds}_low`), row.get(`${bounds}_high`)));
  const signed = (name) => (row.get(name) === null ? null : signedShare(row.get(name)));
  const ends = row.get("own_low") === null ? "" : ` [${signed("own_low")}, ${signed("own_high")}]`;
  const part = (name) => (row.get(name) === null ? null : share(row.get(name)));
  const pairs = [
    ["label proportion", value("label_proportion_mean", "label_proportion") ?? `no value: ${row.get("note") ?? tooFew()}`],
    ["networks with a value", ofNetworks(row)],
    ["folded", value("folded_mean", "folded")],
    ["folded, random directions", value("rotated_folded_mean", "rotated_folded")],
    ["folded, untrained networks", value("untrained_folded_mean", "untrained_folded")],
    ["neurons’ own", row.get("own_mean") === null ? null : `${signed("own_mean")}${ends}`],
    ["how often neurons are on", part("on_proportion_mean")],
    ["neurons that denote", `${count(row.get("n_denoting") ?? 0)} of ${count(row.get("n_live") ?? 0)} live`],
    ["share that denotes", value("share_denoting", "share_denoting")],
    ["of random directions", part("rotated_share_denoting")],
    ["of untrained neurons", part("untrained_share_denoting")],
  ];
  return pairs.filter(([, text]) => text !== null);
}

/** Which layers have no value, and why. */
function gapWords(rows) {
  const names = rows.filter(isGap).map((row) => layerWords(row.get("layer")));
  if (names.length === 0) return "";
  const some = names.length > 4 ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more layers` : names.join(", ");
  return `No value at ${some}: ${tooFew()} in too many networks.`;
}

/** @returns {string} a curve in words, for those who do not see it. */
function curveWords(rows) {
  const known = rows.filter((row) => !isGap(row));
  const each = known.map((row) => `${layerWords(row.get("layer"))} ${share(row.get("label_proportion_mean"))}, folded ${share(row.get("folded_mean"))}`);
  return `${each.join("; ")}. ${gapWords(rows)} Arrow keys move between layers, Enter shows only the neurons of a layer.`;
}

/** @returns {string} what to know when reading a curve; a chosen network is a thin line. */
function curveNote(rows, { compact, model = "all", models = new Map() }) {
  const n = curveNetworks(rows);
  const needed = page.data.least_networks ?? 0;
  const few = `${n === 1 ? "One network" : `${n} networks`} cannot answer whether it depends on depth: ${needed} would.`;
  const heads = rows.filter((row) => row.get("is_head")).length;
  return [
    n < needed ? few : "",
    n >= needed && compact ? `Means of ${meanOfNetworks(rows)}.` : "",
    "n: neurons that denote.",
    n > 1 && !compact ? "Bands: 95 % intervals over networks." : "",
    models.has(model) ? `Thin lines: ${frame("models").get("key", model)}.` : "",
    compact && rows.some(isGap) ? "Hatched: too few denote." : "",
    heads && heads < rows.length ? "Grey: the head, not tested." : "",
    compact ? "" : gapWords(rows),
  ]
    .filter(Boolean)
    .join(" ");
}
