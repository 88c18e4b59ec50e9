// Browsers start no worker from a file. The search's worker then runs in a hidden frame, by the same calls.
if (location.protocol === "file:") {
  window.IFrameWorker = class extends EventTarget {
    constructor(url) {
      super()
      const frame = document.createElement("iframe")
      frame.hidden = true
      frame.srcdoc = "<!doctype html><title>search</title>"
      this.inside = new Promise((ready) => {
        frame.onload = () => {
          const { contentWindow: inside, contentDocument: page } = frame
          const run = (source) =>
            new Promise((done, failed) => {
              const script = page.createElement("script")
              Object.assign(script, { src: source, async: false, onload: done, onerror: failed })
              page.head.append(script)
            })
          inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }))
          inside.importScripts = (...sources) => Promise.all(sources.map(run))
          run(new URL(url, document.baseURI).href).then(() => ready(inside))
        }
      })
      document.documentElement.append(frame)
    }

    postMessage(data) {
      this.inside.then((inside) => inside.dispatchEvent(new inside.MessageEvent("message", { data })))
    }

    terminate() {}
  }
  window.Worker = window.IFrameWorker
}
