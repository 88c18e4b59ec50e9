// In a notebook: the page in a frame of its own, whose messages the widget's model carries to the kernel and back. Each
// place where the widget is shown is a page; texts are messages, buffers are frames.
const MOST_TALL = "90vh";

function render({ model, el }) {
  const view = crypto.getRandomValues(new Uint32Array(4)).join("-"); // randomUUID needs https
  const { port1: here, port2: there } = new MessageChannel();
  const heard = (content, buffers) => {
    if (content.view !== view) return;
    const [frame] = buffers ?? [];
    if (!frame) return here.postMessage(JSON.parse(content.text));
    const bytes = ArrayBuffer.isView(frame) ? frame.buffer.slice(frame.byteOffset, frame.byteOffset + frame.byteLength) : frame;
    here.postMessage(bytes, [bytes]);
  };
  here.onmessage = ({ data }) => {
    if (data instanceof ArrayBuffer) model.send({ view }, undefined, [data]);
    else model.send({ view, text: JSON.stringify(data) });
  };
  const frame = document.createElement("iframe");
  frame.title = "Backlit studio";
  frame.allow = "clipboard-write";
  Object.assign(frame.style, { width: "100%", height: `${model.get("height")}px`, maxHeight: MOST_TALL, border: "0", borderRadius: "8px" });
  frame.srcdoc = model.get("page");
  frame.addEventListener("load", () => {
    frame.contentWindow.postMessage("backlit-studio", "*", [there]);
    here.postMessage({ status: "open" });
  }, { once: true });
  model.on("msg:custom", heard);
  el.append(frame);
  return () => {
    model.off("msg:custom", heard);
    model.send({ view, gone: true });
    here.close();
  };
}

export default { render };
