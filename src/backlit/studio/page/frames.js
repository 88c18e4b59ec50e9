// Binary messages: a little-endian uint32 with the length of a JSON header, the header (padded with spaces to 8 bytes),
// then arrays at the offsets that it names, counted from the header's end.

const TYPES = { f4: Float32Array, i4: Int32Array, u1: Uint8Array };

export function decodeFrame(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const start = 4 + length;
  const arrays = {};
  for (const { name, dtype, shape, offset } of header.arrays) {
    const count = shape.reduce((product, side) => product * side, 1);
    arrays[name] = { shape, values: new TYPES[dtype](buffer, start + offset, count) };
  }
  return { ...header, arrays };
}

export function encodeFrame(message, lists) {
  const arrays = [];
  let offset = 0;
  const parts = Object.entries(lists).map(([name, given]) => {
    const values = ArrayBuffer.isView(given) ? given : Float32Array.from(given.values ?? given);
    const dtype = Object.keys(TYPES).find((key) => values instanceof TYPES[key]);
    arrays.push({ name, dtype, shape: given.shape ?? [values.length], offset });
    const at = offset;
    offset = Math.ceil((offset + values.byteLength) / 8) * 8;
    return { at, bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
  });
  let header = new TextEncoder().encode(JSON.stringify({ ...message, lists: undefined, arrays }));
  const start = Math.ceil((4 + header.length) / 8) * 8;
  header = Uint8Array.from({ length: start - 4 }, (_, i) => header[i] ?? 32);
  const buffer = new ArrayBuffer(start + offset);
  new DataView(buffer).setUint32(0, header.length, true);
  new Uint8Array(buffer, 4).set(header);
  for (const { at, bytes } of parts) new Uint8Array(buffer, start + at).set(bytes);
  return buffer;
}
