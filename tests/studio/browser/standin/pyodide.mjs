// In Pyodide's place: its calls that the worker makes, handed on to a Python beside the test, one after the other.
function python(name, body = "") {
  const call = new XMLHttpRequest();
  call.open("POST", new URL(`/python/${name}`, import.meta.url), false);
  call.overrideMimeType("text/plain; charset=x-user-defined"); // bytes as they are
  call.send(body);
  if (call.status !== 200) throw new Error(call.responseText);
  return Uint8Array.from(call.responseText, (letter) => letter.charCodeAt(0) & 255);
}

const kept = (bytes) => ({ toJs: () => bytes }); // as Pyodide's proxy of Python's bytes

export async function loadPyodide() {
  const loadedPackages = {};
  return {
    loadedPackages,
    async loadPackage(name) {
      if (name === "numpy") loadedPackages[name] = "default channel";
    },
    unpackArchive: (buffer) => python("unpack", buffer),
    pyimport: (module) => ({
      Alone(tell) {
        python("begin", module);
        return {
          hear: (data) => spoken(python("hear", data), tell),
          turn: () => spoken(python("turn"), tell),
        };
      },
    }),
  };
}

// What was told meanwhile: how long each is and whether it is a text, then what the call returned.
function spoken(bytes, tell) {
  const length = new DataView(bytes.buffer).getUint32(0, true);
  const { told, returned } = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  let start = 4 + length;
  for (const { size, text } of told) {
    const part = bytes.slice(start, start + size);
    tell(text ? new TextDecoder().decode(part) : kept(part));
    start += size;
  }
  return returned ?? undefined;
}
