// Label proportion over depth: the raw curve, the folded one, and what is the neurons' own.

/** A curve in a figure: drawn when its data or its width change. */
class DepthChart {
  /**
   * @param {HTMLElement} container The figure.
   * @param {{compact: boolean}} options Compact: the default curve, without switches, named at its lines' ends.
   */
  constructor(container, { compact }) {
    this.container = container;
    this.compact = compact;
    this.hatch = `${container.id || "depth"}-hatch`;
    this.caption = el("figcaption", { class: "chart-title" });
    this.controls = el("div");
    this.body = el("div", { class: "depth-body" });
    this.note = el("p", { class: "chart-note" });
    container.classList.add("depth-figure", ...(compact ? ["compact"] : []));
    show(container, this.caption, this.controls, this.body, this.note);
    this.listen();
    this.update();
    drawByWidth(container, () => this.draw());
    page.on((state, changed) => this.react(changed));
  }

  react(changed) {
    const redraw = ["curve", "group", "family", "model", "show"].some((key) => changed.has(key));
    if (redraw && !this.compact) {
      this.update();
      this.draw();
    } else if (changed.has("layer")) this.choose();
  }

  update() {
    const state = this.compact ? page.defaults : page.state;
    const names = page.data.curve_names ?? [];
    this.curve = curveOf(state);
    this.rows = curveRows(this.curve);
    this.models = curveModels(this.curve);
    this.model = state.model;
    this.on = this.layersOn(state.show);
    this.empty = whyNoCurve(this.rows, names[this.curve]);
    this.container.classList.toggle("without", Boolean(this.empty));
  }

  /** @returns {Set<string>} the layers of the drawing that are on; "none" in the address switches all off. */
  layersOn(text) {
    if (this.compact) return new Set(COMPACT_LAYERS);
    return new Set(text ? text.split(",") : DEPTH_LAYERS.filter(({ usual }) => usual).map(({ key }) => key));
  }

  get title() {
    if (this.compact) return "Label proportion, by depth";
    const n = curveNetworks(this.rows);
    return `Label proportion of what neurons denote, by depth${n > 1 ? ` (mean of ${meanOfNetworks(this.rows)})` : ""}`;
  }

  draw() {
    tip.hide();
    this.caption.textContent = this.empty ? "Label proportion, by depth" : this.title;
    if (!this.compact) show(this.controls, this.select(), this.empty ? null : this.switches());
    const drawing = this.empty ? null : depthDrawing(this, this.container.clientWidth || 640);
    show(this.body, drawing ?? el("p", { class: "empty", text: this.empty || "Every line is switched off." }));
    show(this.note, drawing ? curveNote(this.rows, this) : null);
    this.choose();
  }

  /** A choice where there are several curves: families, architectures, data sets, epochs. */
  select() {
    const names = page.data.curve_names ?? [];
    if (names.length < 2) return null;
    const options = names.map(({ title }, at) => el("option", { value: at, selected: at === this.curve, text: title }));
    return el("label", { class: "choice" }, "Curve ", el("select", { on: { change: (event) => this.chooseCurve(Number(event.target.value)) } }, options));
  }

  /** The networks of a curve become those of the whole page. */
  chooseCurve(curve) {
    const name = page.data.curve_names[curve];
    const group = page.groups.findIndex((one) => one.models.length > 0 && isCurveOf(name, one));
    page.set(group < 0 ? { curve } : { curve, group });
    this.controls.querySelector("select")?.focus();
  }

  /** A box for each layer of the drawing that has anything to show; they are the legend, too. */
  switches() {
    const box = ({ key, text }) => {
      const change = (event) => this.toggle(key, event.target.checked);
      return el("label", {}, el("input", { type: "checkbox", value: key, checked: this.on.has(key), on: { change } }), lineSample(key), text);
    };
    const boxes = DEPTH_LAYERS.filter(({ key }) => this.isAvailable(key)).map(box);
    return el("fieldset", { class: "switches" }, el("legend", { class: "visually-hidden", text: "Lines that are drawn" }), boxes);
  }

  isAvailable(key) {
    if (key === "models") return this.models.size > 1;
    const lines = DEPTH_PANELS.flatMap((panel) => panel.lines).filter(({ kind, whose }) => (whose ?? kind) === key);
    return lines.some(({ mean }) => this.rows.some((row) => row.get(mean) !== null));
  }

  toggle(key, on) {
    const wanted = new Set(this.on);
    if (on) wanted.add(key);
    else wanted.delete(key);
    const keys = DEPTH_LAYERS.map((layer) => layer.key).filter((known) => wanted.has(known));
    page.set({ show: keys.join(",") || "none" }, true);
    this.controls.querySelector(`input[value="${key}"]`)?.focus();
  }

  /** Mark the layer that the page is filtered by. */
  choose() {
    for (const column of this.body.querySelectorAll("[data-column]")) {
      const chosen = page.state.layer !== "" && column.dataset.layer === page.state.layer;
      column.classList.toggle("chosen", chosen);
      column.setAttribute("aria-pressed", String(chosen));
    }
    for (const name of this.body.querySelectorAll("text.layer")) name.classList.toggle("chosen", name.dataset.name === page.state.layer);
  }

  listen() {
    const listenTo = (kind, act) => this.body.addEventListener(kind, (event) => act(event.target.closest?.("[data-column]"), event));
    listenTo("pointerover", (column) => this.hover(column));
    listenTo("focusin", (column) => this.hover(column));
    listenTo("pointerleave", () => tip.hide());
    listenTo("focusout", () => tip.hide());
    listenTo("click", (column) => this.open(column));
    listenTo("keydown", (column, event) => this.key(event, column));
  }

  hover(column) {
    if (!column) return tip.hide();
    const row = this.rows[Number(column.dataset.column)];
    return tip.show(column, ...tipLines(layerWords(row.get("layer")), layerNumbers(row), row.get("is_head") ? "The head: drawn, not tested." : ""));
  }

  /** Show only the neurons of a layer; again, and all are shown. */
  open(column) {
    if (!column) return;
    const { layer } = column.dataset;
    page.set({ layer: page.state.layer === layer ? "" : layer });
    if (this.compact) byId("explore")?.scrollIntoView();
  }

  key(event, column) {
    if (!column) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.open(column);
      return;
    }
    const at = Number(column.dataset.column);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: this.rows.length - 1 }[event.key];
    const next = to === undefined ? null : this.body.querySelector(`[data-column="${to}"]`);
    if (!next) return;
    event.preventDefault();
    column.setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus();
  }
}

/** Draw a depth curve in a figure; it follows the page's state. */
function depthChart(container, { compact = false } = {}) {
  return new DepthChart(container, { compact });
}

/** Draw the curves of the first screen and of the section on depth. */
function drawDepth() {
  const [answer, depth] = [byId("answer-depth"), byId("depth-curve")];
  if (answer) depthChart(answer, { compact: true });
  if (depth) depthChart(depth);
}
