// The heat map attribute x depth: a table with coloured cells, so that it is read, printed and walked through as one.

/** A heat map in a figure: drawn when its data or its width change; only marks move when a cell is chosen. */
class HeatMap {
  /**
   * @param {HTMLElement} container The figure.
   * @param {{compact: boolean}} options Compact: the defaults of the report, few rows, no module classes.
   */
  constructor(container, { compact }) {
    this.compact = compact;
    this.all = false;
    this.container = container;
    const id = container.id || "heat";
    this.names = { title: `${id}-title`, words: `${id}-words` };
    this.caption = el("figcaption", { class: "chart-title", id: this.names.title });
    this.body = el("div", { class: "heat-scroll" });
    this.legend = el("div", { class: "legend" });
    this.note = el("p", { class: "chart-note" });
    container.classList.add("heat-figure", ...(compact ? ["compact"] : []));
    show(container, this.caption, this.body, this.legend, this.note);
    this.listen();
    this.update();
    drawByWidth(container, () => this.draw());
    page.on((state, changed) => this.react(changed));
  }

  react(changed) {
    const redraw = ["group", "model", "family", "probe", "metric"].some((key) => changed.has(key));
    if (redraw && !this.compact) {
      this.all = false;
      this.update();
      this.draw();
    } else this.choose();
  }

  /** What is shown: the compact map is part of the answer and stays as it is. */
  wanted() {
    if (!this.compact) return { ...page.state, models: page.models() };
    return { ...page.defaults, models: page.groups[page.defaults.group].models };
  }

  update() {
    const wanted = this.wanted();
    this.probe = wanted.probe;
    this.difference = Boolean(SCORES[wanted.metric].less);
    this.data = heatRows(wanted);
    this.data.beside = besideColumns(this.data, this.compact);
    const own = this.data.rows.flatMap((row) => row.cells.map((cell) => cell?.value ?? null));
    const values = [...own, ...this.data.beside.filter(({ coloured }) => coloured).flatMap((column) => column.values)];
    this.scale = heatScale(values, this.difference);
    this.write = heatWriter(values, this.difference);
    this.empty = own.every((value) => value === null) ? this.reason(wanted) : "";
    this.container.classList.toggle("without", Boolean(this.empty));
  }

  /** Why there is no heat map, in one sentence. */
  reason({ models, probe, metric }) {
    if (frame("cells").n === 0) return "No observer was fitted to an attribute here: only neurons were searched, so there is no heat map.";
    if (this.data.rows.length === 0) return `No attribute was read by ${probe} observers in ${models.length === 1 ? "this network" : "these networks"}.`;
    return `${SCORES[metric].title} is not known for any cell here: ${nullReason(this.data.rows[0].cells.find(Boolean))}.`;
  }

  title() {
    const n = this.data.n;
    const { title } = SCORES[this.data.metric];
    const known = networksOfMeans(this.data);
    if (this.compact) return n > 1 ? `${title}, mean of ${known}` : `${title}, by layer`;
    return `${title}, by layer (${this.probe} observers${n > 1 ? `, mean of ${known}` : ""})`;
  }

  draw() {
    const focused = this.body.contains(document.activeElement) ? document.activeElement.dataset.cell : undefined;
    tip.hide();
    if (this.empty) {
      this.caption.textContent = "Attributes by layer";
      show(this.body, el("p", { class: "empty", text: this.empty }));
      show(this.legend);
      show(this.note);
      return;
    }
    this.caption.textContent = this.title();
    const plan = heatPlan(this, this.container.clientWidth || 640);
    const words = el("p", { class: "visually-hidden", id: this.names.words, text: heatWords(this) });
    show(this.body, heatTable(this, plan, this.names), words);
    show(this.legend, heatLegend(this));
    show(this.note, heatNote(this, plan), plan.left && !this.compact ? this.moreButton() : null);
    this.choose();
    if (focused !== undefined) this.focus(this.body.querySelector(`[data-cell='${focused}']`), { preventScroll: true });
  }

  moreButton() {
    const showAll = () => {
      this.all = true;
      this.draw();
    };
    return [" ", el("button", { type: "button", text: `show all ${count(this.data.rows.length)}`, on: { click: showAll } })];
  }

  /** Mark what the state has chosen. */
  choose() {
    const { cell, layer, attribute } = page.state;
    const mark = (selector, isChosen) => {
      for (const element of this.body.querySelectorAll(selector)) {
        const chosen = isChosen(element);
        element.classList.toggle("chosen", chosen);
        if (chosen) element.setAttribute("aria-selected", "true");
        else element.removeAttribute("aria-selected");
      }
    };
    mark("[data-cell]", (element) => cell !== null && element.heat.cell.rows.includes(cell));
    mark("[data-layer]", (element) => layer !== "" && element.dataset.layer === layer);
    mark("[data-attribute]", (element) => attribute !== "" && element.dataset.attribute === attribute);
  }

  listen() {
    const listenTo = (kind, act) => this.body.addEventListener(kind, (event) => act(event.target.closest?.("td, th"), event));
    listenTo("pointerover", (element) => this.hover(element));
    listenTo("focusin", (element) => this.hover(element));
    listenTo("pointerleave", () => tip.hide());
    listenTo("focusout", () => tip.hide());
    listenTo("click", (element) => this.open(element));
    listenTo("keydown", (element, event) => this.key(event, element));
  }

  hover(element) {
    if (element?.heat) tip.show(element, ...cellTip(this, element.heat));
    else tip.hide();
  }

  /** Open the card of a cell; a layer's or attribute's name filters, and takes its filter away again. */
  open(element) {
    const { cell, layer, attribute } = element?.dataset ?? {};
    const toggled = (key, value) => ({ [key]: page.state[key] === value ? "" : value });
    if (cell !== undefined) page.set({ ...this.shownState(), cell: Number(cell) });
    else if (layer !== undefined) page.set(toggled("layer", layer));
    else if (attribute !== undefined) page.set(toggled("attribute", attribute));
    else return;
    if (this.compact) byId("explore")?.scrollIntoView();
  }

  /** From the first screen Explore shows the same networks, observers and score. */
  shownState() {
    if (!this.compact) return {};
    const { group, model, probe, metric } = page.defaults;
    return { group, model, probe, metric };
  }

  key(event, element) {
    if (!element) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.open(element);
      return;
    }
    const next = gridNeighbour(element, event);
    if (!next) return;
    event.preventDefault();
    this.focus(next);
  }

  /** Move the focus to a cell, the only one that the Tab key reaches. */
  focus(element, options) {
    if (!element) return;
    for (const focusable of this.body.querySelectorAll("[tabindex='0']")) focusable.tabIndex = -1;
    element.tabIndex = 0;
    element.focus(options);
  }
}

/** @returns {?HTMLElement} where a key leads to from a cell of a table, as in a spreadsheet. */
function gridNeighbour(element, { key, ctrlKey }) {
  const rows = [...element.closest("table").rows].filter((row) => !row.classList.contains("between"));
  const [row, column] = [rows.indexOf(element.parentElement), element.cellIndex];
  const last = element.parentElement.cells.length - 1;
  const moves = {
    ArrowUp: [row - 1, column],
    ArrowDown: [row + 1, column],
    ArrowLeft: [row, column - 1],
    ArrowRight: [row, column + 1],
    Home: [ctrlKey ? 1 : row, 0],
    End: [ctrlKey ? rows.length - 1 : row, last],
    PageUp: [Math.max(1, row - 10), column],
    PageDown: [Math.min(rows.length - 1, row + 10), column],
  };
  const [toRow, toColumn] = moves[key] ?? [-1, -1];
  return rows[toRow]?.cells[toColumn] ?? null;
}

/** Draw a heat map in a figure; it follows the page's state. */
function heatmapChart(container, { compact = false } = {}) {
  return new HeatMap(container, { compact });
}

/** Draw the heat maps of the first screen and of Explore. */
function drawHeatmap() {
  const [answer, explore] = [byId("answer-heatmap"), byId("heatmap")];
  if (answer) heatmapChart(answer, { compact: true });
  if (explore) heatmapChart(explore);
}
