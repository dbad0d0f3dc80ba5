// The inputs of a neuron: those that excite it most and those beside its threshold, as pictures, rows or words.

const KINDS = new Map([
  ["top", "It responds most to"],
  ["above", "Just above its threshold"],
  ["below", "Just below its threshold"],
]);

const CAPTIONS = "Beside each: what it is, where that is known, and the neuron's activation. Mistakes of the neuron are marked.";

/** About this many pixels wide is a picture shown. */
const PICTURE_WIDTH = 72;

let examplesOfNeurons = null;

/** @returns {Map<number, number[]>} rows of `examples` by row of `neurons`. */
function exampleRows() {
  if (examplesOfNeurons) return examplesOfNeurons;
  examplesOfNeurons = new Map();
  frame("examples").column("at").forEach((at, row) => {
    if (!examplesOfNeurons.has(at)) examplesOfNeurons.set(at, []);
    examplesOfNeurons.get(at).push(row);
  });
  return examplesOfNeurons;
}

/** The section of a neuron's inputs, or the sentence why there is none. */
function inputsOf(at) {
  const rows = exampleRows().get(at) ?? [];
  const why = whyNoInputs(at, rows);
  const kinds = [...KINDS].map(([kind, title]) => [title, rows.filter((row) => frame("examples").get("kind", row) === kind)]);
  const parts = kinds.filter(([, those]) => those.length).map(([title, those]) => [el("h5", { text: title }), inputList(at, those, title)]);
  return el("section", { class: "inputs" }, el("h4", { text: "Inputs" }), why ? el("p", { class: "soft", text: why }) : [el("p", { class: "soft", text: CAPTIONS }), parts]);
}

function whyNoInputs(at, rows) {
  if (frame("neurons").get("live", at) === false) return "None are shown: all inputs are alike to a dead neuron.";
  if (!page.data.inputs || !Object.keys(page.data.inputs).length) return page.data.inputs_note ?? "This report holds no inputs.";
  if (rows.length) return null;
  if (!frame("neurons").get("denotes", at)) return "None are kept: inputs are kept for neurons that denote.";
  return "None are kept: inputs are kept for a few denoting neurons of each layer (evidence.examples says how many).";
}

function inputAt(at, row) {
  const samples = own(page.data.inputs, sourceOf(at)) ?? {};
  return own(samples, String(frame("examples").get("sample", row))) ?? {};
}

/** Inputs of one kind: a table where they are rows of a table, else one after the other. */
function inputList(at, rows, title) {
  const examples = frame("examples");
  const ordered = [...rows].sort((one, other) => examples.get("rank", one) - examples.get("rank", other));
  const samples = ordered.map((row) => ({ at: row, input: inputAt(at, row) }));
  if (samples.some(({ input }) => input.row)) return rowTable(samples, title);
  const pictures = samples.some(({ input }) => input.sprite);
  return el("ul", { class: pictures ? "samples" : "samples lines" }, samples.map(sampleItem));
}

function rowTable(samples, title) {
  const names = [...new Set(samples.flatMap(({ input }) => Object.keys(input.row ?? {})))];
  const rows = samples.map(({ at, input }) => [
    plainNumber(frame("examples").get("activation", at)),
    propertyMark(at),
    ...names.map((name) => own(input.row ?? {}, name) ?? EMPTY),
  ]);
  return smallTable(`${title}: rows`, ["Activation", "Has the property", ...names], rows);
}

/** Say whether an input has the property; where the neuron is mistaken about it, the words stand out. */
function propertyMark(at, [yes, no] = ["yes", "no"]) {
  const examples = frame("examples");
  const has = examples.get("has_property", at);
  if (has === null) return EMPTY;
  const isOn = examples.get("kind", at) !== "below";
  return el("span", { class: has === isOn ? "right" : "wrong", text: has ? yes : no });
}

function sampleItem({ at, input }) {
  const examples = frame("examples");
  const [target, has, isOn] = [examples.get("target", at), examples.get("has_property", at), examples.get("kind", at) !== "below"];
  const caption = [
    target === null ? null : el("b", { text: target }),
    target === null ? null : " at ",
    plainNumber(examples.get("activation", at)),
    has === null || has === isOn ? null : [el("br"), propertyMark(at, ["but has it", "but lacks it"])],
  ];
  return el("li", {}, drawnInput(input, target), el("span", { class: "caption" }, caption));
}

function drawnInput(input, target) {
  if (input.sprite) return picture(input.sprite, target);
  if (input.words) return el("span", { class: "words" }, input.words.flatMap((word, place) => [place ? " " : "", place === input.at ? el("mark", { text: word }) : word]));
  if (input.text !== undefined) return el("span", { class: "words", text: input.text });
  return el("span", { class: "soft", text: "not kept" });
}

/** Cut one tile out of a sprite; a canvas prints, a background would not. */
function picture([image, tile], target) {
  const { id, tile: [width, height], columns } = page.data.sprites[image];
  const scale = Math.max(1, Math.round(PICTURE_WIDTH / Math.max(width, height)));
  const canvas = el("canvas", { width, height, role: "img", "aria-label": target === null ? "input" : `input of ${target}`, css: { width: `${width * scale}px`, height: `${height * scale}px` } });
  const sprite = byId(id);
  const draw = () => canvas.getContext("2d").drawImage(sprite, (tile % columns) * width, Math.floor(tile / columns) * height, width, height, 0, 0, width, height);
  sprite?.decode().then(draw, () => canvas.replaceWith(el("span", { class: "soft", text: "the picture cannot be read" })));
  return canvas;
}
