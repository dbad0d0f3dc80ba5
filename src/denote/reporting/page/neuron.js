// The page of one neuron: its property, the evidence beside its controls, its inputs, and neurons like it.

const MOST_ALIKE = 12;
const MOST_STRIPS = 4;

/** Draw the page of the neuron in the address; afterwards follow the state. */
function drawNeuron() {
  const article = byId("neuron");
  let shown = null;
  const update = () => {
    const at = page.state.neuron;
    article.hidden = at === null;
    for (const part of [byId("neurons"), document.querySelector(".pager")]) part?.classList.toggle("away", at !== null);
    article.dataset.at = at ?? "";
    show(article, at === null ? null : neuronPage(at));
    if (at !== null) meet(article.querySelector("h3"));
    else if (shown !== null) returnTo(shown);
    shown = at;
  };
  if (page.state.neuron !== null) update();
  page.on((state, changed) => {
    if (changed.has("neuron")) update();
    else if (state.neuron !== null && (changed.has("sort") || changed.has("descending"))) show(article, neuronPage(state.neuron));
  });
}

/** Give the focus back to the row of a neuron, on the page of the table where it stands. */
function returnTo(at) {
  const place = listed.rows.indexOf(at);
  const link = document.querySelector(`#neurons a[href='#neuron=${at}']`);
  if (link) link.focus();
  else if (place >= 0) byId("neurons").dispatchEvent(new CustomEvent("turn", { detail: at }));
  else byId("neurons").focus();
}

/** @returns {Array} everything on the page of a neuron, a row of `neurons`. */
function neuronPage(at) {
  return [
    neighbours(at),
    el("h3", { tabindex: -1, text: `${layerWords(layerOf(at))}, ${nameOf(at)}` }),
    el("p", { class: "soft", text: neuronPlace(at) }),
    el("p", { class: "verdict" }, verdictMark(frame("neurons").get("denotes", at)), neuronVerdict(at)),
    usedOf(frame("neurons").get("used", at)),
    el("div", { class: "columns" }, [evidenceOf(at), chartsOf(at)].filter((part) => part.length).map((part) => el("div", {}, part))),
    inputsOf(at),
    alike(at),
    otherFamilies(at),
    placeInLayer(at),
    noteOf(frame("neurons").get("note", at)),
  ];
}

/** Links back to the table and to the neurons before and after in its order. */
function neighbours(at) {
  const place = listed.rows.indexOf(at);
  const step = (to, text) => (place >= 0 && listed.rows[to] !== undefined ? el("a", { href: `#neuron=${listed.rows[to]}`, text }) : null);
  const where = place < 0 ? "not among the neurons listed now" : `${count(place + 1)} of ${count(listed.rows.length)}`;
  return el("nav", { class: "topline", "aria-label": "Neurons" }, closeLink("neuron", "Back to the table"), step(place - 1, "Previous neuron"), el("span", { class: "soft", text: where }), step(place + 1, "Next neuron"));
}

function neuronPlace(at) {
  const neurons = frame("neurons");
  const layer = neurons.get("layer", at);
  const [depth, kind] = [depthOf(at), frame("layers").get("module_class", layer)];
  const { dataset, architecture } = page.groups.find(({ models }) => models.includes(neurons.get("model", at))) ?? {};
  const parts = [`${architecture} on ${dataset}`, modelOf(at), depth === null ? null : `depth ${depth}`, kind, `family ${neurons.get("family", at)}`];
  return parts.filter(Boolean).join(", ");
}

function neuronVerdict(at) {
  const neurons = frame("neurons");
  const property = neurons.get("plain", at) ?? neurons.get("property", at);
  if (neurons.get("live", at) === false) return "Dead: its activation is the same for every input, so it can denote nothing.";
  if (neurons.get("denotes", at)) return `Denotes ${property}: balanced accuracy ${scored(at)}; ${share(neurons.get("precision", at))} of the inputs for which it is on have the property.`;
  const reasons = neuronReasons(at);
  const why = reasons.length ? `: ${reasons.join("; ")}` : "";
  return property === null ? `Denotes nothing${why}.` : `Denotes nothing by the rule. It comes closest to ${property}, but this is not enough${why}.`;
}

function neuronReasons(at) {
  const neurons = frame("neurons");
  const { decisive, q, min_rows: least, on_tolerance: tolerance } = page.data.rule ?? {};
  const [on, p] = [neurons.get("on_proportion", at), neurons.get("label_proportion", at)];
  const far = on !== null && p !== null && Math.abs(on - p) > tolerance * Math.min(p, 1 - p) + SLACK;
  const fewest = neurons.get("fewest", at);
  return [
    fewest !== null && fewest < least ? `only ${count(fewest, "input")} on one side of the property, of at least ${least}` : null,
    tooLow("balanced accuracy", neurons.get("balanced_accuracy", at), decisive),
    tooHigh("the q-value", neurons.get("q_value", at), q),
    far ? `it is on for ${share(on)} of the inputs, too far from the ${share(p)} that have the property` : null,
  ].filter(Boolean);
}

function evidenceOf(at) {
  const neurons = frame("neurons");
  if (neurons.get("live", at) === false) return [];
  const card = neurons.get("card", at);
  return [
    scoreBars(neuronBars(at), "Balanced accuracy, beside its controls"),
    facts(neuronFacts(at)),
    card ? el("details", {}, el("summary", { text: "The whole card" }), el("p", { text: card })) : null,
  ];
}

function neuronBars(at) {
  const neurons = frame("neurons");
  const get = (name) => neurons.get(name, at);
  const rival = get("rival");
  return [
    { label: "this neuron, held-out inputs", own: true, value: get("balanced_accuracy"), low: get("balanced_accuracy_low"), high: get("balanced_accuracy_high") },
    { label: "this neuron, inputs that chose the property", value: get("fit_balanced_accuracy") },
    { label: rival === null ? "best rival column" : `rival: ${rival}`, value: get("rival_balanced_accuracy") },
    { label: "best single input value", value: get("input_balanced_accuracy") },
    { label: "best neuron of untrained networks", value: get("untrained_balanced_accuracy") },
    { label: "shuffled labels", value: get("control_balanced_accuracy") },
  ];
}

function neuronFacts(at) {
  const neurons = frame("neurons");
  const number = (name) => share(neurons.get(name, at));
  return [
    ["label proportion", number("label_proportion")],
    ["folded label proportion", number("folded")],
    ["inputs for which it is on", number("on_proportion")],
    ["on where the property holds", number("tpr")],
    ["off where it does not", number("tnr")],
    ["property holds where it is on", number("precision")],
    ["AUROC", number("auroc")],
    ["q-value", small(neurons.get("q_value", at))],
    ["threshold", plainNumber(neurons.get("threshold", at))],
    ["random directions of this layer that denote", number("rotated_share")],
  ];
}

function chartsOf(at) {
  const charts = frame("neurons").get("live", at) === false ? [histogram(at)] : [onRates(at), histogram(at)];
  return charts.map(([title, chart]) => el("figure", {}, el("figcaption", { text: title }), chart));
}

function onRates(at) {
  const source = sourceOf(at);
  const rates = own(page.data.on_rates ?? {}, source);
  const [from, to] = (rates && rateEntries(source, rates).get(at)) ?? [0, 0];
  if (from === to) return ["How often it is on, by class", el("p", { class: "soft", text: "Not known: the data has no classes, or the job did not store it." })];
  const [codes, values, inside] = [rates.codes, rates.values, rates.inside].map((list) => list.slice(from, to));
  const bars = { classes: codes.map((code) => rates.classes[code]), rates: values, inProperty: inside.map(Boolean), total: rates.classes.length };
  return ["How often it is on, by class", onRateChart(bars)];
}

const RATE_ENTRIES = new Map();

/** @returns {Map<number, number[]>} where a neuron's on-rates begin and end among those of its data. */
function rateEntries(source, { rows }) {
  if (RATE_ENTRIES.has(source)) return RATE_ENTRIES.get(source);
  const [places, table] = [new Map(), new Frame(rows)];
  let from = 0;
  table.column("at").forEach((at, row) => {
    const to = from + table.get("entries", row);
    places.set(at, [from, to]);
    from = to;
  });
  RATE_ENTRIES.set(source, places);
  return places;
}

/** @returns {string} what tells the data of a neuron's network from all other data. */
function sourceOf(at) {
  return frame("models").get("source", frame("neurons").get("model", at)) ?? "";
}

/** What an object holds itself under a name that a user may have chosen, such as "constructor". */
function own(object, name) {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

let histogramRows = null;

function histogram(at) {
  const title = "Activations of the held-out inputs";
  const histograms = frame("histograms");
  histogramRows ??= new Map(histograms.column("neuron").map((neuron, row) => [[histograms.get("model", row), histograms.get("layer", row), neuron].join(), row]));
  const row = histogramRows.get(neuronKey(at));
  if (row === undefined) return [title, el("p", { class: "soft", text: "No histogram was stored; jobs of this version and later store one." })];
  const counts = page.data.histograms.counts.slice(20 * row, 20 * row + 20);
  const threshold = frame("neurons").get("threshold", at);
  return [title, histogramChart({ low: histograms.get("low", row), high: histograms.get("high", row), counts, threshold, on: "above" })];
}

/** Two rows of `neurons` are the same neuron, searched in two families, where this is equal. */
function neuronKey(at) {
  const neurons = frame("neurons");
  return [neurons.get("model", at), neurons.get("layer", at), neurons.get("neuron", at)].join();
}

/** Other neurons that denote the same property: in this network, then in networks of other seeds. */
function alike(at) {
  const neurons = frame("neurons");
  const [property, model] = [neurons.get("property", at), neurons.get("model", at)];
  if (property === null) return null;
  const [properties, denotes, models] = ["property", "denotes", "model"].map((name) => neurons.column(name));
  const group = new Set(page.groups.find((each) => each.models.includes(model))?.models ?? []);
  const same = properties.flatMap((other, row) => (other === property && denotes[row] && row !== at && group.has(models[row]) ? [row] : []));
  const [here, elsewhere] = [same.filter((row) => models[row] === model), same.filter((row) => models[row] !== model)];
  return el("section", {}, el("h4", { text: neurons.get("denotes", at) ? "Others that denote the same" : "Neurons that denote this property" }), linkList("In this network", here, false), linkList("In other seeds", elsewhere, true));
}

function linkList(title, rows, withSeed) {
  if (!rows.length) return el("p", { text: `${title}: none.` });
  const link = (row) => el("a", { href: `#neuron=${row}`, text: `${withSeed ? `${modelOf(row)} ` : ""}${layerWords(layerOf(row))} ${nameOf(row)}` });
  const score = (row) => ` (${share(frame("neurons").get("balanced_accuracy", row))})`;
  const items = rows.slice(0, MOST_ALIKE).flatMap((row, place) => [place ? ", " : "", link(row), score(row)]);
  const more = rows.length > MOST_ALIKE ? ` and ${count(rows.length - MOST_ALIKE)} more` : "";
  return el("p", {}, `${title}: `, items, `${more}.`);
}

/** The same neuron as it was searched in other families. */
function otherFamilies(at) {
  const neurons = frame("neurons");
  if (neurons.levels("family").length < 2) return null;
  const [key, number] = [neuronKey(at), neurons.get("neuron", at)];
  const rows = neurons.column("neuron").flatMap((other, row) => (row !== at && other === number && neuronKey(row) === key ? [row] : []));
  if (!rows.length) return null;
  const line = (row) => [el("a", { href: `#neuron=${row}`, text: neurons.get("family", row) }), neurons.get("plain", row) ?? EMPTY, scored(row), verdictOf(row)];
  return smallTable("The same neuron in other families of properties", ["Family", "Closest property", "Balanced accuracy", "Denotes"], rows.map(line));
}

/** Where the neuron stands in the relevance maps of its layer. */
function placeInLayer(at) {
  const neurons = frame("neurons");
  const [model, layer, wanted] = [neurons.get("model", at), neurons.get("layer", at), propertiesOf(neurons.get("property", at))];
  const maps = (page.data.relevance ?? []).filter((map) => map.model === model && map.layer === layer);
  const first = [...maps].sort((one, other) => wanted.has(other.attribute) - wanted.has(one.attribute)).slice(0, MOST_STRIPS);
  const title = el("h4", { text: "Its place in the layer" });
  if (!first.length) return el("section", {}, title, el("p", { class: "soft", text: "No relevance map of this layer is kept in this page; there is one for a few attributes of the first trained network." }));
  const strips = first.map(({ attribute, values, band }) => el("figure", {}, el("figcaption", { text: `Weight of each neuron in the linear observer of ${attribute}` }), relevanceStrip({ values, band, marked: neurons.get("neuron", at) })));
  return el("section", {}, title, el("div", { class: "columns" }, strips));
}
