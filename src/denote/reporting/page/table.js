// The table of neurons: sorted, filtered, in pages of rows, each a link to the neuron's own page.

const ROWS_PER_PAGE = 50;

/** Columns of the table: what they sort by and what they show. `only` leaves one out where it says nothing. */
const TABLE_COLUMNS = [
  { key: "model", title: "Seed", sort: (at) => frame("neurons").get("model", at), text: (at) => modelOf(at), only: () => page.models().length > 1 },
  { key: "layer", title: "Layer", sort: (at) => depthOf(at), text: (at) => layerOf(at) },
  { key: "neuron", title: "Neuron", sort: (at) => frame("neurons").get("neuron", at), text: (at) => nameOf(at) },
  { key: "property", title: "Property", text: (at) => frame("neurons").get("plain", at) ?? EMPTY },
  { key: "family", title: "Family", text: (at) => frame("neurons").get("family", at), only: () => !page.state.family },
  { key: "balanced_accuracy", title: "Balanced accuracy", text: (at) => scored(at), number: true, help: "on held-out inputs, with its interval" },
  { key: "label_proportion", title: "Label proportion", number: true, help: "share of inputs that have the property" },
  { key: "folded", title: "Folded", number: true, help: "the smaller of label proportion and 1 - label proportion" },
  { key: "on_proportion", title: "On", number: true, help: "share of inputs for which the neuron is above its threshold" },
  { key: "untrained_balanced_accuracy", title: "Untrained", number: true, help: "balanced accuracy of the best neuron of this layer in untrained networks" },
  { key: "rotated_share", title: "Random directions", number: true, help: "share of random directions of this layer that denote something" },
  { key: "rival", title: "Rival", sort: (at) => frame("neurons").get("rival_balanced_accuracy", at), text: (at) => rivalOf(at), help: "the simplest column that tells the property, and how well" },
  { key: "denotes", title: "Denotes", sort: (at) => VERDICTS.indexOf(verdictOf(at)), text: (at) => verdictOf(at) },
];

const VERDICTS = ["dead", "no", "yes"];

function layerOf(at) {
  return frame("layers").get("layer", frame("neurons").get("layer", at)) ?? EMPTY;
}

function depthOf(at) {
  return frame("layers").get("depth", frame("neurons").get("layer", at));
}

function modelOf(at) {
  return frame("models").get("key", frame("neurons").get("model", at)) ?? EMPTY;
}

function nameOf(at) {
  return frame("neurons").get("name", at) ?? `unit ${frame("neurons").get("neuron", at)}`;
}

function scored(at) {
  const neurons = frame("neurons");
  return interval(...["balanced_accuracy", "balanced_accuracy_low", "balanced_accuracy_high"].map((name) => neurons.get(name, at)));
}

function rivalOf(at) {
  const rival = frame("neurons").get("rival", at);
  return rival === null ? EMPTY : `${rival} (${share(frame("neurons").get("rival_balanced_accuracy", at))})`;
}

function verdictOf(at) {
  const neurons = frame("neurons");
  return neurons.get("live", at) === false ? "dead" : neurons.get("denotes", at) ? "yes" : "no";
}

function tableColumn(key) {
  return TABLE_COLUMNS.find((column) => column.key === key);
}

const SORTED = new Map();

/** All rows of `neurons` in the order of a column, made once: null last in both directions, equals as in the bundle. */
function order(key, descending) {
  const name = `${key} ${descending}`;
  if (!SORTED.has(name)) SORTED.set(name, makeOrder(sortKeys(tableColumn(key)), descending));
  return SORTED.get(name);
}

function makeOrder(keys, descending) {
  const sign = descending ? -1 : 1;
  const known = [];
  const unknown = [];
  keys.forEach((key, at) => (key === null ? unknown : known).push(at));
  known.sort((one, other) => sign * (keys[one] - keys[other]) || one - other);
  return [...known, ...unknown];
}

/** What a column sorts by, of every neuron: numbers, or the rank of its text. */
function sortKeys({ key, sort, text, number }) {
  if (number) return frame("neurons").column(key);
  const values = Array.from({ length: frame("neurons").n }, (_, at) => (sort ?? text)(at));
  if (sort) return values;
  const byName = new Intl.Collator("en", { numeric: true });
  const ranked = [...new Set(values)].filter((value) => value !== EMPTY).sort(byName.compare);
  const ranks = new Map(ranked.map((value, rank) => [value, rank]));
  return values.map((value) => ranks.get(value) ?? null);
}

/** Make orders and texts for searches while nothing else is to be done, so that the first use waits for none. */
function prepare() {
  const whenIdle = window.requestIdleCallback ?? ((act) => setTimeout(act, 50));
  const left = [searchTexts, ...TABLE_COLUMNS.flatMap(({ key }) => [false, true].map((descending) => () => order(key, descending)))];
  const step = () => {
    left.shift()();
    if (left.length) whenIdle(step);
  };
  whenIdle(step);
}

/** Let the filters choose among all rows in their order. */
function sortedRows(rows, key, descending) {
  const chosen = new Uint8Array(frame("neurons").n);
  for (const at of rows) chosen[at] = 1;
  return order(key, descending).filter((at) => chosen[at]);
}

/** The neurons that are listed, in their order. */
const listed = { rows: [], from: 0 };

/** Draw the table once; afterwards it follows the state. */
function drawTable() {
  const table = new NeuronTable(byId("neurons"), byId("count"));
  table.update();
  page.on((state, changed) => table.react(changed));
  prepare();
}

class NeuronTable {
  constructor(container, status) {
    this.status = status;
    this.caption = el("caption", { class: "sr" });
    this.head = el("tr", {});
    this.body = el("tbody", { on: { click: (event) => this.open(event) } });
    this.pager = el("nav", { class: "pager", "aria-label": "Pages of the table" });
    this.container = container;
    show(container, el("table", { class: "neurons" }, this.caption, el("thead", {}, this.head), this.body));
    container.after(this.pager);
    container.addEventListener("turn", (event) => this.turnTo(event.detail));
  }

  /** Show the page of rows that a neuron stands on, and give its link the focus. */
  turnTo(at) {
    listed.from = Math.floor(listed.rows.indexOf(at) / ROWS_PER_PAGE) * ROWS_PER_PAGE;
    this.drawRows();
    this.body.querySelector(`tr[data-at='${at}'] a`).focus();
  }

  react(changed) {
    const matters = [...NEURON_FILTERS, "sort", "descending"].some((key) => changed.has(key));
    if (matters) this.update();
    else this.announce();
  }

  /** Filter, sort and show the first page. */
  update() {
    const { sort, descending } = page.state;
    listed.rows = sortedRows(neuronRows(page.state), sort, descending);
    listed.from = 0;
    this.columns = TABLE_COLUMNS.filter(({ only }) => !only || only());
    this.caption.textContent = `Neurons by ${tableColumn(sort).title.toLowerCase()}, ${descending ? "highest" : "lowest"} first`;
    this.drawHead();
    this.drawRows();
    this.announce();
  }

  /** Keep the buttons where the columns are the same, so that the one with the focus keeps it. */
  drawHead() {
    const keys = this.columns.map(({ key }) => key).join();
    if (this.head.dataset.keys !== keys) {
      this.head.dataset.keys = keys;
      show(this.head, this.columns.map((column) => this.headCell(column)));
    }
    const { sort, descending } = page.state;
    for (const cell of this.head.cells) {
      if (cell.dataset.key === sort) cell.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    }
  }

  headCell({ key, title, help, number }) {
    const turn = () => page.set({ sort: key, descending: page.state.sort === key ? !page.state.descending : Boolean(number) || key === "rival" || key === "denotes" });
    const button = el("button", { type: "button", title: help, on: { click: turn }, text: title });
    return el("th", { scope: "col", "data-key": key, class: number && "number" }, button);
  }

  drawRows() {
    const rows = listed.rows.slice(listed.from, listed.from + ROWS_PER_PAGE);
    show(this.body, rows.map((at) => this.row(at)), rows.length ? null : this.emptyRow());
    this.container.scrollTop = 0;
    this.drawPager();
  }

  row(at) {
    const cells = this.columns.map(({ key, text, number }) => {
      if (key === "neuron") return el("th", { scope: "row" }, el("a", { href: `#neuron=${at}`, text: text(at) }));
      return el("td", { class: number ? "number" : key }, text ? text(at) : share(frame("neurons").get(key, at)));
    });
    return el("tr", { "data-at": at, class: verdictOf(at) }, cells);
  }

  emptyRow() {
    const none = frame("neurons").n ? "No neuron passes these filters." : "This report has no neurons.";
    return el("tr", {}, el("td", { colspan: this.columns.length, text: none }));
  }

  /** A click anywhere in a row opens the neuron, unless text is being selected or a link was meant. */
  open(event) {
    const row = event.target.closest("tr[data-at]");
    if (!row || event.target.closest("a") || String(getSelection())) return;
    page.set({ neuron: Number(row.dataset.at) });
  }

  drawPager() {
    const { from, rows } = listed;
    this.pager.hidden = rows.length <= ROWS_PER_PAGE;
    const last = Math.floor((rows.length - 1) / ROWS_PER_PAGE) * ROWS_PER_PAGE;
    const steps = [["First", 0], ["Previous", from - ROWS_PER_PAGE], ["Next", from + ROWS_PER_PAGE], ["Last", last]];
    const position = `Rows ${count(from + 1)} to ${count(Math.min(from + ROWS_PER_PAGE, rows.length))} of ${count(rows.length)}`;
    const buttons = steps.map(([text, to]) => this.pageButton(text, to, to < 0 || to > last || to === from));
    show(this.pager, buttons.slice(0, 2), el("span", { text: position }), buttons.slice(2));
  }

  pageButton(text, to, disabled) {
    const turn = () => {
      listed.from = to;
      this.drawRows();
      [...this.pager.querySelectorAll("button")].find((button) => button.textContent === text && !button.disabled)?.focus();
    };
    return el("button", { type: "button", text, disabled, on: { click: turn } });
  }

  /** Say how many neurons are listed, and what of the address was not understood. */
  announce() {
    const text = [countText(), leftOutText(), ...page.ignored].filter(Boolean).join(" ");
    if (this.status.textContent !== text) this.status.textContent = text;
  }
}

function countText() {
  const { family } = page.state;
  const neurons = frame("neurons");
  const all = family ? neurons.column("family").filter((value) => value === family).length : neurons.n;
  const several = !family && neurons.levels("family").length > 1;
  return `${count(listed.rows.length)} of ${several ? `${count(all)} rows, one for each neuron and family` : count(all, "neuron")}.`;
}

function leftOutText() {
  const [left, denoting] = [page.data.neurons_left_out ?? 0, page.data.denoting_left_out ?? 0];
  if (!left) return "";
  const which = denoting ? `, ${count(denoting)} of which denote,` : ` that ${left === 1 ? "denotes" : "denote"} nothing`;
  return `${count(left, "row")}${which} ${left === 1 ? "is" : "are"} left out of this page; neurons.parquet has ${left === 1 ? "it" : "them"}.`;
}
