// Scales, axes and hover texts of all drawings.
// Colours are classes that charts.css fills in; the content policy refuses style attributes.

let chartsMade = 0;

/**
 * Make the SVG element of a chart: an image with a name, described in words.
 *
 * @param {{width: number, height: number, label: string, description: string, kind: string, role: string}} frame
 *     Size in pixels; `label` names the chart, `description` says its numbers in words, `kind` is a class. A chart
 *     that can be focused inside has role "group", as whatever is inside an image is hidden from assistive technology.
 * @returns {SVGElement}
 */
function chart({ width, height, label, description, kind = "", role = "img" }, ...children) {
  chartsMade += 1;
  const id = `chart-${chartsMade}`;
  return svg(
    "svg",
    { class: `chart ${kind}`, viewBox: `0 0 ${width} ${height}`, role, "aria-label": label, "aria-describedby": id },
    svg("desc", { id, text: description }),
    ...children,
  );
}

/** @returns {function(number): number} the place of a value: `domain` is mapped to `range`, linearly. */
function linearScale([low, high], [from, to]) {
  const span = high - low || 1;
  return (value) => from + ((value - low) / span) * (to - from);
}

/** @returns {{low: number, high: number, ticks: number[]}} an axis that starts and ends where data does, with round ticks. */
function ticksWithin(low, high, most = 5) {
  const rough = (high - low || Math.abs(high) || 1) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  const ticks = Array.from({ length: last - first + 1 }, (_, at) => Number(((first + at) * step).toPrecision(12)));
  return { low, high, ticks };
}

/** Write a tick of shares: .2, 1, -.05; as many decimals as its neighbours need. */
function tickText(value, ticks) {
  const step = ticks.length > 1 ? Math.abs(ticks[1] - ticks[0]) : 1;
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  if (value === 0) return "0";
  return value.toFixed(decimals).replace(/^(-?)0\./, "$1.").replace("-", "−");
}

/** Write a difference of shares with its sign: +.02, −.004; a third digit where two would read 0. */
function signedShare(value) {
  if (value === null || value === undefined) return EMPTY;
  const size = Math.abs(value);
  if (size === 0) return ".00";
  return (value > 0 ? "+" : "−") + (size < 0.005 ? (size < 0.0005 ? "<.001" : share(size, 3)) : share(size));
}

const ruler = document.createElement("canvas").getContext("2d");

/** @returns {number} how wide a text is in pixels, in the font of charts. */
function textWidth(text, size = 11) {
  ruler.font = `${size}px system-ui, sans-serif`;
  return ruler.measureText(text).width;
}

/**
 * Cut a text that is wider than `width` pixels where it tells least: `start` is how much of what is kept is its start.
 * Names of layers differ at their ends.
 */
function fitted(text, width, size = 11, start = 1 / 3) {
  if (textWidth(text, size) <= width) return text;
  const letters = [...text];
  const cut = (kept) => {
    const first = Math.round(kept * start);
    return `${letters.slice(0, first).join("")}…${letters.slice(letters.length - kept + first).join("")}`;
  };
  let kept = letters.length - 1;
  while (kept > 1 && textWidth(cut(kept), size) > width) kept -= 1;
  return cut(kept);
}

/** Call `draw` with the width of an element, now and whenever it has another one; hidden ones wait. */
function drawByWidth(element, draw) {
  let width = 0;
  const redraw = () => {
    const now = Math.floor(element.clientWidth);
    if (now === width || now === 0) return;
    width = now;
    draw(width);
  };
  new ResizeObserver(() => requestAnimationFrame(redraw)).observe(element);
  redraw();
}

/** The one text that stands beside what the pointer or the focus is on. Escape takes it away. */
const tip = {
  element: null,

  /** Show some content beside an element or at a place of the window. */
  show(anchor, ...children) {
    if (!this.element) {
      this.element = el("div", { class: "tip", role: "tooltip", hidden: true });
      document.body.append(this.element);
      document.addEventListener("keydown", (event) => event.key === "Escape" && this.hide());
      document.addEventListener("scroll", () => this.hide(), { passive: true, capture: true });
    }
    show(this.element, ...children);
    this.element.hidden = false;
    const table = anchor.closest("table");
    if (!table || !this.placeBeside(anchor.getBoundingClientRect(), table)) this.place(anchor.getBoundingClientRect());
  },

  /** Beside the whole table of a cell, at the cell's height, so that no other cell is covered; false where there is no room. */
  placeBeside(box, table) {
    const { offsetWidth: width, offsetHeight: height } = this.element;
    const left = Math.min(table.getBoundingClientRect().right, table.parentElement.getBoundingClientRect().right) + 8;
    if (left + width + 8 > document.documentElement.clientWidth) return false;
    this.element.style.left = `${left}px`;
    this.element.style.top = `${Math.max(8, Math.min(box.top, window.innerHeight - height - 8))}px`;
    return true;
  },

  /** Below what it belongs to, or above; beside what is tall. */
  place(box) {
    const { offsetWidth: width, offsetHeight: height } = this.element;
    const tall = box.height > height;
    const right = box.right + width + 16 < window.innerWidth ? box.right + 8 : box.left - width - 8;
    const wanted = tall ? right : box.left + box.width / 2 - width / 2;
    const left = Math.min(Math.max(8, wanted), window.innerWidth - width - 8);
    const below = box.bottom + height + 16 > window.innerHeight ? box.top - height - 8 : box.bottom + 8;
    const top = Math.max(8, tall ? Math.min(box.top, window.innerHeight - height - 8) : below);
    this.element.style.left = `${left}px`;
    this.element.style.top = `${top}px`;
  },

  hide() {
    if (this.element) this.element.hidden = true;
  },
};

/** Lines of a hover text: a heading, and pairs of what and how much. */
function tipLines(heading, pairs, remark = "") {
  const kept = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return [
    el("strong", { text: heading }),
    el("dl", {}, kept.map(([name, value]) => [el("dt", { text: name }), el("dd", { text: value })])),
    remark ? el("p", { text: remark }) : null,
  ];
}
