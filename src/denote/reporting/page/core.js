// Data, address and drawing: what every other script of the page builds on.
// All text goes through textContent and setAttribute, as names are the user's.

const SVG_SPACE = "http://www.w3.org/2000/svg";

/**
 * Make an HTML element.
 *
 * @param {string} tag
 * @param {Object} attributes `text` sets the text, `on` adds listeners ({click: f}), `css` sets CSS properties by
 *     name (the content policy refuses style attributes); true is an empty attribute, null and false leave it out.
 * @param {...(Node|string|null|Array)} children Nodes, text, nothing, or lists of those.
 * @returns {HTMLElement}
 */
function el(tag, attributes = {}, ...children) {
  return furnish(document.createElement(tag), attributes, children);
}

/** Make an SVG element, see `el`. */
function svg(tag, attributes = {}, ...children) {
  return furnish(document.createElementNS(SVG_SPACE, tag), attributes, children);
}

function furnish(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name === "text") element.textContent = value;
    else if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name === "css") for (const [property, to] of Object.entries(value)) element.style.setProperty(property, to);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A table by columns; hides that text is stored as levels and codes. A column that is not there is all null. */
class Frame {
  constructor({ n = 0, columns = {} } = {}) {
    this.n = n;
    this.raw = new Map(Object.entries(columns));
    this.decoded = new Map();
  }

  /** @returns {boolean} whether the frame has the column. */
  has(name) {
    return this.raw.has(name);
  }

  /** @returns {Array} the column's values, null where undefined. */
  column(name) {
    if (!this.decoded.has(name)) this.decoded.set(name, this.decode(name));
    return this.decoded.get(name);
  }

  get(name, row) {
    return this.column(name)[row] ?? null;
  }

  /** @returns {Array} the different values of a column but null, in order of appearance (text: of its levels). */
  levels(name) {
    const raw = this.raw.get(name);
    return raw?.levels ?? [...new Set(this.column(name))].filter((value) => value !== null);
  }

  decode(name) {
    const raw = this.raw.get(name);
    if (raw === undefined) return new Array(this.n).fill(null);
    return raw.levels ? raw.codes.map((code) => (code === null ? null : raw.levels[code])) : raw;
  }
}

const EMPTY = "–";

/** Write a proportion as Python does: .97, 1.00 only for 1, >.99 where rounding would make an imperfect 1 of it. */
function share(value, decimals = 2) {
  if (value === null || value === undefined || Number.isNaN(value)) return EMPTY;
  const scale = 10 ** decimals;
  const rounded = Math.floor(Math.abs(value) * scale + 0.5);
  const beyond = rounded === scale && Math.abs(value) < 1;
  const units = beyond ? rounded - 1 : rounded;
  const whole = Math.floor(units / scale) || "";
  const sign = value < 0 && units > 0 ? "-" : "";
  const mark = beyond ? (value < 0 ? "<" : ">") : "";
  return `${mark}${sign}${whole}.${String(units % scale).padStart(decimals, "0")}`;
}

/** Write ".97 [.94, .99]"; "[≥ .94]" where only the lower end is known, no bracket where neither is. */
function interval(value, low, high) {
  if (low === null || low === undefined) return share(value);
  return `${share(value)} [${high === null || high === undefined ? `≥ ${share(low)}` : `${share(low)}, ${share(high)}`}]`;
}

/** Write 12,345, with a noun "1 neuron", "2 neurons". */
function count(number, noun = "") {
  return number.toLocaleString("en-US") + (noun ? ` ${noun}${number === 1 ? "" : "s"}` : "");
}

/** Write a p- or q-value: .032, 3e-7. */
function small(value) {
  if (value === null || value === undefined) return EMPTY;
  return value >= 0.001 || value === 0 ? share(value, 3) : value.toExponential(0);
}

/** Write an activation or another number of no fixed range with three digits. */
function plainNumber(value) {
  return value === null || value === undefined ? EMPTY : String(Number(value.toPrecision(3)));
}

const METRICS = new Map([
  ["balanced_accuracy", "balanced accuracy"],
  ["auroc", "AUROC"],
  ["selectivity", "AUROC above shuffled labels"],
  ["input_gain", "AUROC above the raw input"],
  ["untrained_gain", "AUROC above untrained networks"],
]);

const DENOTES = new Map([
  ["denoting", "denoting"],
  ["abstaining", "not denoting"],
  ["dead", "dead"],
  ["all", "all"],
]);

/** What is shown. Every key stands in the address when it differs from its default. */
const page = {
  data: null,
  state: {},
  defaults: {},
  /** Sentences about parts of the address that mean nothing in this report. */
  ignored: [],
  listeners: [],
  readers: new Map(),

  /** Take the unpacked bundle and read the address. */
  load(bundle) {
    this.data = bundle;
    this.frames = new Map();
    this.groups = groupModels(frame("models"));
    this.readers = stateReaders(this.groups);
    this.defaults = defaultState(bundle.default ?? {}, this.readers);
    this.state = this.parse(location.hash);
    window.addEventListener("hashchange", () => this.change(this.parse(location.hash)));
    document.addEventListener("click", (event) => this.follow(event));
  },

  /** Call `listener(state, changed)` after every change; `changed` is the set of keys that did. */
  on(listener) {
    this.listeners.push(listener);
  },

  /**
   * Change what is shown: the state, then the address, then every panel.
   *
   * @param {Object} changes New values of some keys.
   * @param {boolean} replace Leave no entry in the history, for instance while a user types.
   */
  set(changes, replace = false) {
    const before = this.state;
    this.change(settle({ ...before, ...changes }, this.groups));
    const hash = this.href(this.state);
    if (hash === (location.hash || "#")) return;
    // A link to "#" alone would scroll to the top.
    history[replace ? "replaceState" : "pushState"](null, "", hash);
  },

  change(state) {
    const changed = new Set(Object.keys(state).filter((key) => state[key] !== this.state[key]));
    this.state = state;
    if (changed.size || this.ignored.length) for (const listener of this.listeners) listener(state, changed);
  },

  /** @returns {string} the address of a state: only what differs from the defaults. */
  href(state) {
    const words = new URLSearchParams();
    for (const [key, value] of Object.entries(state)) {
      if (value !== this.defaults[key]) words.set(key, value === null ? "" : String(value));
    }
    return `#${words}`;
  },

  /** @returns {Object} the state that an address stands for; what it does not name has its default. */
  parse(hash, from = this.defaults) {
    const state = { ...from };
    this.ignored = [];
    if (!hash.includes("=")) return state;
    for (const [key, text] of new URLSearchParams(hash.slice(1))) {
      const value = this.readers.get(key)?.(text);
      if (value === undefined) this.ignored.push(`The address asks for ${key} “${text}”, which this report does not have.`);
      else state[key] = value;
    }
    return settle(state, this.groups);
  },

  /** Let a link such as #neuron=12 change only what it names, wherever in the page it stands. */
  follow(event) {
    const link = event.target.closest?.("a[href^='#']");
    const hash = link?.getAttribute("href");
    if (!hash?.includes("=") || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    this.set(this.parse(hash, this.state));
  },

  /** @returns {number[]} the networks shown: all seeds of the chosen group, or the chosen one. */
  models() {
    return this.state.model === "all" ? this.groups[this.state.group].models : [this.state.model];
  },
};

/** @returns {string} a layer's name as it stands in a sentence: "layer 0" where it would read as a number. */
function layerWords(name) {
  return /^\d+$/.test(name ?? "") ? `layer ${name}` : name;
}

/** Networks that differ in their seed only, with the layers (by depth) and attributes that were observed in them. */
function groupModels(models) {
  const groups = new Map();
  for (let at = 0; at < models.n; at += 1) {
    const parts = ["dataset", "architecture", "trained", "epoch"].map((name) => models.get(name, at));
    const key = JSON.stringify(parts);
    if (!groups.has(key)) groups.set(key, newGroup(parts));
    groups.get(key).models.push(at);
  }
  const listed = groups.size ? [...groups.values()] : [newGroup([null, null, null, null])];
  const owner = new Map(listed.flatMap((group) => group.models.map((at) => [at, group])));
  const layers = frame("layers");
  for (let at = 0; at < layers.n; at += 1) {
    owner.get(layers.get("model", at))?.layers.set(layers.get("layer", at), layers.get("depth", at));
  }
  const cells = frame("cells");
  for (let at = 0; at < cells.n; at += 1) owner.get(cells.get("model", at))?.attributes.add(cells.get("attribute", at));
  return listed;
}

function newGroup([dataset, architecture, trained, epoch]) {
  const stage = trained === false ? ", untrained" : epoch === null ? "" : `, epoch ${epoch}`;
  const title = `${architecture ?? "network"} on ${dataset ?? "data"}${stage}`;
  return { title, dataset, architecture, models: [], layers: new Map(), attributes: new Set() };
}

/** Let go of what the chosen group of networks does not have: a network of another group, a layer, an attribute. */
function settle(state, groups) {
  const group = groups[state.group];
  return {
    ...state,
    model: group.models.includes(state.model) ? state.model : "all",
    layer: group.layers.has(state.layer) ? state.layer : "",
    attribute: group.attributes.has(state.attribute) ? state.attribute : "",
  };
}

/** How each word of the address is read; undefined where it means nothing in this report. */
function stateReaders(groups) {
  const index = (n) => (text) => (/^\d{1,9}$/.test(text) && Number(text) < n ? Number(text) : undefined);
  const orNull = (read) => (text) => (text === "" ? null : read(text));
  const among = (values) => {
    const known = new Set(["", ...values]);
    return (text) => (known.has(text) ? text : undefined);
  };
  const words = (text) => (text.length <= 200 ? text : undefined);
  const cells = frame("cells");
  const neurons = frame("neurons");
  return new Map([
    ["group", index(groups.length)],
    ["model", (text) => (text === "all" ? text : index(frame("models").n)(text))],
    ["family", among([...neurons.levels("family"), ...cells.levels("family")])],
    ["attribute", among(cells.levels("attribute"))],
    ["probe", among(cells.levels("probe"))],
    ["metric", (text) => (METRICS.has(text) ? text : undefined)],
    ["layer", among(frame("layers").levels("layer"))],
    ["curve", index(Math.max(1, (page.data.curve_names ?? []).length))],
    ["search", words],
    ["denotes", (text) => (DENOTES.has(text) ? text : undefined)],
    ["sort", (text) => (TABLE_COLUMNS.some((column) => column.key === text) ? text : undefined)],
    ["descending", (text) => (text === "true" ? true : text === "false" ? false : undefined)],
    ["neuron", orNull((text) => index(neurons.n)(text) ?? rowNamed(neurons, ["probe_seed", "neuron", "family"], text))],
    ["cell", orNull((text) => index(cells.n)(text) ?? rowNamed(cells, ["probe_seed", "attribute", "family", "probe"], text))],
    ["show", (text) => (/^[a-z_,]{0,200}$/.test(text) ? text : undefined)],
  ]);
}

/** @returns {?number} the row that a link of the tables below means: a list of network, layer, pooling and some columns. */
function rowNamed(rows, columns, text) {
  if (!text.startsWith("[")) return undefined;
  try {
    const wanted = JSON.stringify(JSON.parse(text));
    const [models, layers, poolings] = [frame("models").column("object_model"), frame("layers").column("layer"), frame("layers").column("pooling")];
    const place = (at) => [models[rows.get("model", at)], layers[rows.get("layer", at)], poolings[rows.get("layer", at)]];
    const name = (at) => JSON.stringify([...place(at), ...columns.map((column) => rows.get(column, at))]);
    for (let at = 0; at < rows.n; at += 1) if (name(at) === wanted) return at;
  } catch {
    // What is no list names no row.
  }
  return undefined;
}

/** The state without an address; a default that this report does not have falls back to what it has. */
function defaultState(wished, readers) {
  const cells = frame("cells");
  const kept = (key, fallback) => (wished[key] !== undefined && readers.get(key)(String(wished[key])) !== undefined ? wished[key] : fallback);
  return {
    group: 0,
    model: "all",
    family: kept("family", ""),
    attribute: "",
    probe: kept("probe", cells.levels("probe")[0] ?? ""),
    metric: kept("metric", "balanced_accuracy"),
    layer: "",
    curve: kept("curve", 0),
    search: "",
    denotes: frame("neurons").column("denotes").includes(true) ? "denoting" : "all",
    sort: "balanced_accuracy",
    descending: true,
    neuron: null,
    cell: null,
    show: kept("show", ""),
  };
}

/** @returns {Frame} a table of the bundle; empty where the report has none. */
function frame(name) {
  if (!page.frames.has(name)) page.frames.set(name, new Frame(page.data[name] ?? undefined));
  return page.frames.get(name);
}

/** @returns {HTMLElement|null} the element of the page's skeleton with this id. */
function byId(id) {
  return document.getElementById(id);
}

/** Replace everything in an element. */
function show(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}
