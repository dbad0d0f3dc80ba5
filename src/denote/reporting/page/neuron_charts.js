// The small charts of a neuron's page: activations, on-rates by class, relevance in its layer.

/**
 * Draw how often each activation occurs, and where the neuron is on.
 *
 * @param {{low: number, high: number, counts: number[], threshold: ?number, on: string}} histogram Ends of the range,
 *     rows in bins of equal width, and the threshold "above" or "below" which the neuron is on.
 * @returns {SVGElement}
 */
function histogramChart({ low, high, counts, threshold = null, on = "above" }) {
  const [width, height, left, right, top, bottom] = [340, 150, 34, 6, 20, 30];
  const rows = counts.reduce((sum, n) => sum + n, 0);
  const label = "How often each activation occurs";
  if (low === null || high === null || low === high || rows === 0) {
    const text = rows === 0 || low === null ? "No activation was kept." : `Constant: every activation is ${plainNumber(low)}.`;
    return chart({ width, height: 30, label, description: text, kind: "histogram" }, svg("text", { x: 0, y: 18, class: "soft", text }));
  }
  const most = Math.max(...counts);
  // A neuron that is off nearly always has one bin that would flatten all others.
  const others = counts.filter((n) => n > 0 && n < most);
  const root = others.length > 0 && most > 12 * Math.max(...others);
  const rise = (n) => (root ? Math.sqrt(n / most) : n / most);
  const x = linearScale([low, high], [left, width - right]);
  const y = (n) => height - bottom - rise(n) * (height - top - bottom);
  const edge = (bin) => low + ((high - low) * bin) / counts.length;
  const isOn = (middle) => threshold !== null && (on === "above" ? middle > threshold : middle < threshold);
  const bars = counts.flatMap((n, bin) => {
    const cuts = [edge(bin), edge(bin + 1)];
    if (threshold !== null && threshold > cuts[0] && threshold < cuts[1]) cuts.splice(1, 0, threshold);
    return cuts.slice(1).map((to, at) => {
      const [from, end] = [x(cuts[at]), x(to)];
      const kind = isOn((cuts[at] + to) / 2) ? "bar on" : "bar";
      return n && svg("rect", { class: kind, x: from, y: y(n), width: Math.max(0.5, end - from - 1), height: height - bottom - y(n) });
    });
  });
  const ends = `from ${plainNumber(low)} to ${plainNumber(high)}`;
  const peak = counts.indexOf(most);
  const description =
    `${count(rows, "test row")}, activations ${ends}; most in one bin: ${count(most)}, around ${plainNumber((edge(peak) + edge(peak + 1)) / 2)}.` +
    (threshold === null ? " No threshold." : ` The neuron is on ${on} ${plainNumber(threshold)}.`);
  return chart(
    { width, height, label, description, kind: "histogram" },
    svg("line", { class: "axis", x1: left, x2: width - right, y1: height - bottom + 0.5, y2: height - bottom + 0.5 }),
    svg("text", { class: "tick end", x: left - 5, y: top + 8, text: count(most) }),
    svg("text", { class: "tick end", x: left - 5, y: height - bottom, text: "0" }),
    bars,
    svg("text", { class: "tick", x: left, y: height - bottom + 13, text: plainNumber(low) }),
    svg("text", { class: "tick end", x: width - right, y: height - bottom + 13, text: plainNumber(high) }),
    svg("text", { class: "tick middle", x: (left + width - right) / 2, y: height - 4, text: root ? "activation (rows: square-root scale)" : "activation" }),
    thresholdMark({ threshold, on, x, top, bottom: height - bottom, left, right: width - right }),
  );
}

function thresholdMark({ threshold, on, x, top, bottom, left, right }) {
  if (threshold === null) return null;
  const at = Math.min(right, Math.max(left, x(threshold)));
  const text = `on ${on} ${plainNumber(threshold)}`;
  // The words stand on the side where the neuron is on, unless there is no room.
  const toRight = on === "above" ? at + textWidth(text) + 6 < right : at - textWidth(text) - 6 < left;
  return [
    svg("line", { class: "threshold", x1: at, x2: at, y1: top - 14, y2: bottom }),
    svg("text", { class: toRight ? "tick strong" : "tick strong end", x: at + (toRight ? 5 : -5), y: top - 6, text }),
  ];
}

const MOST_CLASSES = 24;

/**
 * Draw the share of each class's rows on which a neuron is on.
 *
 * @param {{classes: string[], rates: number[], inProperty: boolean[]}} bars One of each per class; classes of the
 *     neuron's property are filled in another colour and named in bold. `total` counts those that were not kept, too.
 * @returns {SVGElement}
 */
function onRateChart({ classes, rates, inProperty, total = classes.length }) {
  const [width, line, top] = [340, 20, 4];
  const all = classes.map((name, at) => ({ name: String(name), rate: rates[at] ?? null, inside: Boolean(inProperty[at]) }));
  const shown = all.length <= MOST_CLASSES ? all : telling(all);
  const left = Math.min(130, Math.max(24, ...shown.map(({ name }) => textWidth(name, 12) + 10)));
  const x = linearScale([0, 1], [left, width - 40]);
  const height = top + line * shown.length + 18;
  const out = total - shown.length;
  const words = shown.map(({ name, rate, inside }) => `${name}${inside ? " (in the property)" : ""} ${share(rate)}`).join(", ");
  const description = `Share of test rows of each class on which the neuron is on: ${words}.` + (out ? ` ${count(out)} more classes are not drawn.` : "");
  const rows = shown.map(({ name, rate, inside }, at) => {
    const y = top + line * at;
    return svg(
      "g",
      { class: inside ? "class inside" : "class" },
      svg("title", { text: `${name}: on in ${share(rate, 3)} of its rows` }),
      svg("text", { class: "tick end", x: left - 6, y: y + 13, text: fitted(name, left - 8, 12) }),
      svg("rect", { class: "track", x: left, y: y + 3, width: x(1) - left, height: line - 7 }),
      rate ? svg("rect", { class: inside ? "bar on" : "bar", x: left, y: y + 3, width: Math.max(1, x(rate) - left), height: line - 7 }) : null,
      svg("text", { class: "tick", x: x(1) + 6, y: y + 13, text: share(rate) }),
    );
  });
  const foot = out ? outOfSight(out, total > all.length ? [] : leftOut(all, shown)) : "share of the class's rows on which the neuron is on";
  return chart(
    { width, height, label: "On-rate by class", description, kind: "on-rates" },
    rows,
    svg("text", { class: "tick", x: left, y: height - 3, text: fitted(foot, width - left) }),
  );
}

/** Of many classes: those of the property, then those with the highest rates. */
function telling(all) {
  const byRate = [...all].sort((one, other) => other.inside - one.inside || (other.rate ?? -1) - (one.rate ?? -1));
  const kept = new Set(byRate.slice(0, MOST_CLASSES));
  return all.filter((bar) => kept.has(bar));
}

/** Say how many classes are not drawn; their highest rate is known only where all of them were kept. */
function outOfSight(n, rates) {
  const most = rates.length ? `, on in ${share(Math.max(...rates))} at most` : ", closer to its overall rate";
  return `${count(n)} more class${n === 1 ? "" : "es"}${most}`;
}

function leftOut(all, shown) {
  return all.filter((bar) => !shown.includes(bar)).map(({ rate }) => rate ?? 0);
}

/**
 * Draw how much an attribute's linear observer relies on each neuron of a layer.
 *
 * @param {{values: number[], band: ?number, marked: ?number}} relevance Signed relevance by neuron, null where
 *     undefined; how large weights of observers of shuffled labels are; the neuron to mark.
 * @returns {SVGElement}
 */
function relevanceStrip({ values, band = null, marked = null }) {
  const [width, height, left, right, middle] = [340, 122, 8, 8, 50];
  const sizes = values.map((value) => Math.abs(value ?? 0));
  const most = Math.max(...sizes, band ?? 0) || 1;
  const reach = middle - 12;
  const slot = (width - left - right) / values.length;
  const x = (neuron) => left + slot * (neuron + 0.5);
  const y = (value) => middle - (value / most) * reach;
  const stroke = (neurons) => neurons.map((at) => `M${x(at).toFixed(2)} ${middle}V${y(values[at]).toFixed(2)}`).join("");
  const known = values.map((_, at) => at).filter((at) => values[at] !== null && at !== marked);
  const outside = known.filter((at) => band === null || sizes[at] > band);
  const within = known.filter((at) => band !== null && sizes[at] <= band);
  const wide = Math.max(0.6, Math.min(6, slot * 0.7));
  const nOutside = band === null ? null : values.filter((value) => value !== null && Math.abs(value) > band).length;
  const rank = marked === null || values[marked] === null ? null : 1 + sizes.filter((size) => size > sizes[marked]).length;
  const description =
    (rank === null ? "" : `Neuron ${marked} is number ${rank} of ${count(values.length)} by size. `) +
    (band === null ? "There is no band of shuffled labels." : `${count(nOutside)} of ${count(values.length)} neurons lie outside the band of shuffled labels.`);
  const kind = rank !== null && (band === null || sizes[marked] > band) ? "relevance marked" : "relevance marked weak";
  return chart(
    { width, height, label: "Relevance of each neuron of the layer", description, kind: "relevance-strip" },
    band === null ? null : svg("rect", { class: "band", x: left, y: y(band), width: width - left - right, height: y(-band) - y(band) }),
    svg("line", { class: "axis", x1: left, x2: width - right, y1: middle, y2: middle }),
    svg("path", { class: "relevance weak", d: stroke(within), "stroke-width": wide }),
    svg("path", { class: "relevance", d: stroke(outside), "stroke-width": wide }),
    rank === null ? null : svg("path", { class: kind, d: stroke([marked]), "stroke-width": Math.max(2.5, wide) }),
    rank === null ? null : svg("path", { class: "pointer", d: `M${x(marked)} ${middle + reach + 6}l-4 7h8z` }),
    svg("text", { class: "tick", x: left, y: height - 4, text: "0" }),
    svg("text", { class: "tick end", x: width - right, y: height - 4, text: String(values.length - 1) }),
    svg("text", { class: "tick middle", x: width / 2, y: height - 4, text: band === null ? "neuron (no band of shuffled labels)" : `neuron; grey: within the band of shuffled labels` }),
  );
}
