// In a notebook: the page in a frame of its own, whose messages the widget's model carries to the kernel and back. Each
// place where the widget is shown is a page; texts are messages, buffers are frames.
const MOST_TALL = "90vh";

function render({ model, el }) {
  let view, here; // of the document that is in the frame now
  const gone = () => {
    if (!here) return;
    here.close();
    model.send({ view, gone: true });
  };
  const heard = (content, buffers) => {
    if (content.view !== view) return;
    const [frame] = buffers ?? [];
    if (!frame) return here.postMessage(JSON.parse(content.text));
    const bytes = ArrayBuffer.isView(frame) ? frame.buffer.slice(frame.byteOffset, frame.byteOffset + frame.byteLength) : frame;
    here.postMessage(bytes, [bytes]);
  };
  const frame = document.createElement("iframe");
  frame.title = "Backlit studio";
  frame.allow = "clipboard-write *";
  frame.sandbox = "allow-scripts allow-downloads allow-modals allow-forms"; // neither the notebook's storage nor its page
  Object.assign(frame.style, { width: "100%", height: `${model.get("height")}px`, maxHeight: MOST_TALL, border: "0", borderRadius: "8px" });
  frame.srcdoc = model.get("page");
  // A frame that is moved loads its document anew, which begins as a page of its own.
  frame.addEventListener("load", () => {
    gone();
    const own = (view = crypto.getRandomValues(new Uint32Array(4)).join("-")); // randomUUID needs https
    const { port1, port2 } = new MessageChannel();
    here = port1;
    here.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer) model.send({ view: own }, undefined, [data]);
      else model.send({ view: own, text: JSON.stringify(data) });
    };
    frame.contentWindow.postMessage("backlit-studio", "*", [port2]);
    here.postMessage({ status: "open" });
  });
  model.on("msg:custom", heard);
  el.append(frame);
  return () => {
    model.off("msg:custom", heard);
    gone();
    here = undefined;
  };
}

export default { render };
