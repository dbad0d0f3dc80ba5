// Where the site is opened from disk the browser starts no worker, so its search runs in a hidden frame of the page.
// Both ends of a channel take the place of the worker's messages: they wait by themselves until the script is there.
if (location.protocol === "file:") {
  window.IFrameWorker = "a frame"; // by this name the search knows that it runs in one
  window.Worker = function (address) {
    const frame = document.createElement("iframe");
    frame.hidden = true;
    document.body.append(frame);
    const inside = frame.contentWindow;
    const { port1: outer, port2: inner } = new MessageChannel();

    function run(source) {
      return new Promise((done, failed) => {
        const script = inside.document.createElement("script");
        script.src = source;
        script.onload = done;
        script.onerror = failed;
        inside.document.head.append(script);
      });
    }

    async function runInOrder(...sources) {
      for (const source of sources) await run(source);
    }

    async function answer() {
      await run(address);
      inner.onmessage = ({ data }) => inside.dispatchEvent(new MessageEvent("message", { data }));
    }

    inside.importScripts = runInOrder;
    inside.postMessage = (data) => inner.postMessage(data);
    outer.start();
    answer();
    return outer;
  };
}
