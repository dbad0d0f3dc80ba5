// Unpack the data and draw. Whatever fails, the reader is told, and what the server wrote stays readable.

/** @returns {Object} the bundle: base64 of gzip of JSON in the page. */
async function unpack() {
  const packed = Uint8Array.from(atob(byId("data").textContent.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

function drawAll() {
  drawFilters();
  drawHeatmap();
  drawDepth();
  drawCard();
  drawTable();
  drawNeuron();
}

/** Say what this browser cannot do, or what failed. */
function sayFailed(error) {
  const told = byId("old-browser");
  const why = typeof DecompressionStream === "undefined" ? "this browser is too old for it" : String(error?.message ?? error);
  told.textContent = `The interactive part of this report did not start: ${why}. The answer and the evidence below can be read without it.`;
  told.hidden = false;
  byId("explore").hidden = true;
}

async function start() {
  try {
    const bundle = await unpack();
    performance.mark("unpacked");
    page.load(bundle);
    byId("explore").hidden = false;
    drawAll();
    document.documentElement.dataset.ready = "true";
    performance.mark("ready");
  } catch (error) {
    sayFailed(error);
  }
}

start();
