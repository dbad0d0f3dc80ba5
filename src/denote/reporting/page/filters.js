// One bar of filters for every panel: which networks, attributes, layers and neurons are shown.

/** A pause in typing after which a search starts, in ms. */
const TYPING_PAUSE = 60;

/** Filters that change which neurons are listed; a neuron's page closes when one of them changes. */
const NEURON_FILTERS = new Set(["group", "model", "family", "attribute", "layer", "search", "denotes"]);

/** Draw the bar once; afterwards it follows the state. */
function drawFilters() {
  const form = byId("filters");
  const controls = filterControls();
  const labels = controls.map(({ label, control }) => el("label", {}, el("span", { text: label }), control));
  // Where the bar takes two lines the button is not alone on the second.
  show(form, labels.slice(0, -1), el("div", { class: "last" }, labels.at(-1), resetButton()));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", (event) => applyFilter(event.target));
  let pause = 0;
  form.addEventListener("input", (event) => {
    if (event.target.type !== "search") return;
    clearTimeout(pause);
    pause = setTimeout(() => applyFilter(event.target, true), TYPING_PAUSE);
  });
  const follow = () => followState(controls);
  follow();
  page.on(follow);
}

function resetButton() {
  const clear = () => page.set({ ...page.defaults, metric: page.state.metric, sort: page.state.sort, descending: page.state.descending, show: page.state.show });
  return el("button", { type: "button", class: "reset", text: "Reset filters", on: { click: clear } });
}

/** Every filter that has a choice in this report: its key, label, control, and how its choices are listed. */
function filterControls() {
  const filters = [
    ["denotes", "Neurons", () => [...DENOTES]],
    ["group", "Network", () => page.groups.map(({ title }, at) => [String(at), title])],
    ["model", "Seed", modelChoices],
    ["layer", "Layer", () => [["", "all layers"], ...named(layersShown())]],
    ["family", "Family", () => [["", "all families"], ...named(frame("neurons").levels("family"))]],
    ["attribute", "Attribute", () => [["", "all attributes"], ...named([...page.groups[page.state.group].attributes])]],
    ["probe", "Observer", () => named(frame("cells").levels("probe"))],
    ["metric", "Score", () => (frame("cells").n ? [...METRICS] : [])],
  ];
  const search = { key: "search", label: "Search", control: searchBox(), choices: null };
  const selects = filters.map(([key, label, choices]) => ({ key, label, choices, control: el("select", { name: key }) }));
  return [search, ...selects.filter(({ key, choices }) => needed(key, choices))];
}

/** A filter with one choice is none; what depends on the group is kept where another group has a choice. */
function needed(key, choices) {
  const least = ["layer", "family", "attribute"].includes(key) ? 3 : 2;
  if (page.groups.length > 1 && ["model", "layer", "attribute"].includes(key)) return true;
  return choices().length >= least;
}

function named(values) {
  return values.map((value) => [value, value]);
}

function searchBox() {
  return el("input", { type: "search", name: "search", autocomplete: "off", spellcheck: "false", placeholder: "property or layer" });
}

function modelChoices() {
  const { models } = page.groups[page.state.group];
  const each = models.map((at) => [String(at), frame("models").get("key", at) ?? `network ${at}`]);
  return each.length > 1 ? [["all", `all ${each.length} seeds`], ...each] : [["all", each[0]?.[1] ?? "all"]];
}

/** @returns {string[]} the layers of the group by depth; a state of several layers, without a depth, is last. */
function layersShown() {
  const depths = [...page.groups[page.state.group].layers];
  return depths.sort(([, one], [, other]) => (one ?? Infinity) - (other ?? Infinity)).map(([name]) => name);
}

function followState(controls) {
  for (const { key, control, choices } of controls) {
    const value = String(page.state[key]);
    if (choices) offer(control, choices());
    if (control.value !== value && document.activeElement !== control) control.value = value;
    if (choices && control.value !== value) control.value = value;
  }
}

/** Replace a select's options where they changed. */
function offer(select, choices) {
  const written = JSON.stringify(choices);
  if (select.dataset.choices === written) return;
  select.dataset.choices = written;
  show(select, choices.map(([value, text]) => el("option", { value, text })));
}

function applyFilter({ name, value }, replace = false) {
  const read = page.readers.get(name);
  if (!read) return;
  const changes = { [name]: read(value) };
  if (name === "attribute" && value && !familyHas(page.state.family, value)) changes.family = "";
  if (NEURON_FILTERS.has(name)) changes.neuron = null;
  if (changes[name] !== undefined && changes[name] !== page.state[name]) page.set(changes, replace);
}

/** @returns {boolean} whether neurons of a family were found to follow an attribute or its opposite. */
function familyHas(family, attribute) {
  const neurons = frame("neurons");
  const [families, wanted] = [neurons.column("family"), propertiesOf(attribute)];
  return neurons.column("property").some((property, at) => wanted.has(property) && families[at] === family);
}

/** @returns {Set<string>} what a neuron's property is called if it follows an attribute, or the opposite of it. */
function propertiesOf(attribute) {
  return new Set([attribute, `NOT ${attribute}`]);
}

/**
 * List the rows of `neurons` that the filters let through, in the order of the bundle.
 *
 * @param {Object} state
 * @returns {number[]}
 */
function neuronRows(state) {
  const neurons = frame("neurons");
  const tests = neuronTests(state);
  const rows = [];
  for (let at = 0; at < neurons.n; at += 1) if (tests.every((test) => test(at))) rows.push(at);
  return rows;
}

function neuronTests(state) {
  const neurons = frame("neurons");
  const [models, layers, families] = ["model", "layer", "family"].map((name) => neurons.column(name));
  const [denotes, live, properties] = ["denotes", "live", "property"].map((name) => neurons.column(name));
  const tests = [];
  const shown = new Set(page.models());
  if (shown.size < frame("models").n) tests.push((at) => shown.has(models[at]));
  if (state.family) tests.push((at) => families[at] === state.family);
  if (state.layer) tests.push(inLayer(state.layer, layers));
  if (state.attribute) {
    const wanted = propertiesOf(state.attribute);
    tests.push((at) => wanted.has(properties[at]));
  }
  if (state.denotes === "denoting") tests.push((at) => denotes[at] === true);
  if (state.denotes === "abstaining") tests.push((at) => denotes[at] !== true && live[at] !== false);
  if (state.denotes === "dead") tests.push((at) => live[at] === false);
  if (state.search.trim()) tests.push(searchTest(state.search));
  return tests;
}

function inLayer(name, layers) {
  const names = frame("layers").column("layer");
  return (at) => names[layers[at]] === name;
}

/** All words have to occur; a word of digits has to be a whole number, so that 4 does not mean 41. */
function searchTest(search) {
  const texts = searchTexts();
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const tests = words.map((word) => {
    if (!/^\d+$/.test(word)) return (text) => text.includes(word);
    const whole = new RegExp(`(^|\\D)${word}(\\D|$)`);
    return (text) => whole.test(text);
  });
  return (at) => tests.every((test) => test(texts[at]));
}

let textsOfNeurons = null;

/** What a search reads of each neuron: layer, name, number and property, in plain words too. */
function searchTexts() {
  if (textsOfNeurons) return textsOfNeurons;
  const neurons = frame("neurons");
  const [layers, names] = [neurons.column("layer"), frame("layers").column("layer")];
  const columns = ["name", "neuron", "property", "plain"].map((name) => neurons.column(name));
  textsOfNeurons = layers.map((layer, at) => [names[layer], ...columns.map((column) => column[at] ?? "")].join(" ").toLowerCase());
  return textsOfNeurons;
}
