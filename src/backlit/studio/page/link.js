// A state in the address: what follows "#". The session writes it (`code`), the page reads it back.

export function readLink(hash) {
  const text = hash.replace(/^#/, "");
  if (!text) return null;
  try {
    return JSON.parse(decodeURIComponent(text));
  } catch {
    return null;
  }
}
