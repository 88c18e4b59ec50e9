"""The protocol's declarations as page and people read them: ``python -m backlit.studio.declare`` writes both."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from backlit.files import saving
from backlit.studio.messages import MESSAGES
from backlit.studio.protocol import COMMON, VERSION, Direction, Field, MessageKind, wanted

PAGE = Path(__file__).parent / "page" / "protocol.js"
DOCUMENT = Path(__file__).parents[3] / "docs" / "studio-protocol.md"
BEGIN, END = "<!-- messages: written by backlit.studio.declare -->", "<!-- end of messages -->"

_CHECK = """
const KINDS = {
  flag: (v) => typeof v === "boolean",
  object: (v) => typeof v === "object" && v !== null && !Array.isArray(v),
  any: () => true,
  text: (v, f) => typeof v === "string" && (f.names ? f.names.includes(v) : [...v].length <= (f.high ?? Infinity)),
  list: (v, f) => Array.isArray(v) && v.length <= (f.high ?? Infinity),
  number: (v, f) => Number.isFinite(v) && v >= (f.low ?? -Infinity) && v <= (f.high ?? Infinity),
  whole: (v, f) => Number.isInteger(v) && v >= (f.low ?? -Infinity) && v <= (f.high ?? Infinity),
};

/** What is wrong with a message of a direction ("ask" or "tell"), in English; null if nothing is. */
export function wrong(message, direction) {
  if (!KINDS.object(message)) return "a message must be an object with a type";
  const known = MESSAGES[direction];
  if (!Object.hasOwn(known, message.type)) return `no message ${message.type}`;
  const fields = { ...COMMON, ...known[message.type] };
  for (const key of Object.keys(message)) {
    if (key !== "type" && key !== "arrays" && !Object.hasOwn(fields, key)) return `${message.type}: no part ${key}`;
  }
  for (const [name, field] of Object.entries(fields)) {
    const value = message[name] ?? null;
    if (value === null) {
      if (!field.optional) return `${message.type}: ${name} is missing`;
    } else if (!KINDS[field.kind](value, field)) {
      return `${message.type}: ${name} must be ${field.wanted}`;
    }
  }
  return null;
}
"""


def script() -> str:
    """`page/protocol.js`: version, declarations, and the check."""
    tables = {direction: {kind.name: _fields(kind) for kind in kinds.values()} for direction, kinds in MESSAGES.items()}
    carrying = {kind.name: kind.arrays for kinds in MESSAGES.values() for kind in kinds.values() if kind.arrays}
    common = {field.name: _plain(field) for field in COMMON}
    return (
        "// Written by `python -m backlit.studio.declare` from studio/messages.py: change that, not this.\n"
        f"export const VERSION = {VERSION};\n"
        f"export const COMMON = {_js(common)};\n"
        f"export const MESSAGES = {_js(tables)};\n"
        f"export const ARRAYS = {_js(carrying)};\n{_CHECK}"
    )


def tables() -> str:
    """The messages as Markdown."""
    titles: dict[Direction, str] = {"ask": "From the page to the session", "tell": "From the session to the page"}
    return "\n\n".join(
        f"## {titles[direction]}\n\n" + "\n\n".join(map(_described, kinds.values()))
        for direction, kinds in MESSAGES.items()
    )


def document(text: str) -> str:
    """The page of the documentation with its tables as the declarations are now."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{rest.partition(END)[2]}"


def _described(kind: MessageKind) -> str:
    lines = [
        f"### `{kind.name}`" + (" to the page" if kind.name in MESSAGES["ask"] and kind.direction == "tell" else ""),
        "",
        kind.doc,
    ]
    lines += [""] if kind.fields else []
    lines += [
        f"- `{field.name}`{' (may be left out)' if field.optional else ''}: {field.doc}; {wanted(field)}"
        for field in kind.fields
    ]
    return "\n".join([*lines, *(["", f"Arrays: {kind.arrays}."] if kind.arrays else [])])


def _fields(kind: MessageKind) -> dict[str, object]:
    return {field.name: _plain(field) for field in kind.fields}


def _plain(field: Field) -> dict[str, object]:
    told = {name: value for name, value in dataclasses.asdict(field).items() if name not in ("name", "doc")}
    told["wanted"] = wanted(field)
    return {name: value for name, value in told.items() if value is not None and value is not False and value != ()}


def _js(value: Any, deep: int = 2) -> str:
    """JSON, a line for each message."""
    if not deep or not isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    inside = "".join(f"{json.dumps(key)}: {_js(part, deep - 1)},\n" for key, part in value.items())
    return f"{{\n{inside}}}"


def main() -> None:
    """Write both."""
    with saving(PAGE) as temporary:
        temporary.write_text(script(), encoding="utf-8")
    text = DOCUMENT.read_text(encoding="utf-8")
    with saving(DOCUMENT) as temporary:
        temporary.write_text(document(text), encoding="utf-8")


if __name__ == "__main__":
    main()
