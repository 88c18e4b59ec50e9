"""The page's files: others' are as they wrote them, texts are there in both languages, nothing comes from elsewhere."""

import hashlib
import json
import re
import shutil
import string
import subprocess
import tomllib
from pathlib import Path

import pytest

import backlit
from backlit.languages import NAMES

PAGE = Path(backlit.__file__).parent / "studio" / "page"
VENDOR = PAGE / "vendor"
MOST_BYTES = 500_000
NEVER = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "unsafe", "eval(", "new Function")
LICENCES = {"MIT": "MIT License", "BSD-3-Clause": "BSD 3-Clause License"}


def ours(*endings):
    """The page's own files, as (path, text)."""
    return [
        (path, path.read_text("utf-8"))
        for path in sorted(PAGE.rglob("*"))
        if path.suffix in endings and VENDOR not in path.parents
    ]


def manifest():
    return tomllib.loads((VENDOR / "manifest.toml").read_text("utf-8"))["file"]


def modified(text, replaced):
    for written, ours_ in replaced.items():
        text = text.replace(ours_, written)
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("entry", manifest(), ids=lambda entry: entry["path"])
def test_vendored_files_are_their_packages_own(entry):
    text = (VENDOR / entry["path"]).read_text("utf-8")
    assert modified(text, entry.get("replaced", {})) == entry["sha256"]
    assert modified(text + " ", entry.get("replaced", {})) != entry["sha256"]  # a change would be seen
    assert LICENCES[entry["licence"]].lower().removesuffix(" license") in (
        (VENDOR / entry["licence_text"]).read_text("utf-8").lower().replace("the ", "")
    )
    assert re.fullmatch(r"\d+\.\d+\.\d+", entry["version"])


def test_every_vendored_file_is_in_the_manifest():
    there = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if path.is_file()}
    listed = {entry["path"] for entry in manifest()} | {entry["licence_text"] for entry in manifest()}
    assert there == listed | {"manifest.toml"}


def test_only_names_of_modules_were_replaced():
    for entry in manifest():
        for written, ours_ in entry.get("replaced", {}).items():
            assert written.startswith('"')
            assert ours_.startswith('"./')


def test_the_page_is_small():
    assert sum(path.stat().st_size for path in PAGE.rglob("*") if path.is_file()) <= MOST_BYTES


def test_nothing_is_fetched_from_elsewhere():
    for path, text in ours(".js", ".css", ".html", ".json"):
        assert not re.search(r"(https?:)?//[a-z0-9-]+\.[a-z]", text.replace("http://www.w3.org/2000/svg", "")), path
        assert "@import" not in text, path
        assert "url(" not in text, path


def test_data_cannot_become_html_or_code():
    for path, text in ours(".js", ".html"):
        for never in NEVER:
            assert never not in text, (path, never)
        assert not re.search(r"\son[a-z]+=\"", text), path  # handlers as attributes: the page's policy refuses them
        assert not re.search(r"(?<![.\w])style=", text), path  # and styles
    assert not re.search(r"<script(?![^>]*\ssrc=)", (PAGE / "index.html").read_text("utf-8"))


def test_modules_find_each_other():
    for path in PAGE.rglob("*.js"):
        for name in re.findall(r"(?:\bfrom|^import)\s*\"([^\"\s{:]+)\"", path.read_text("utf-8"), re.MULTILINE):
            assert name.startswith("."), (path, name)
            assert (path.parent / name).resolve().is_file(), (path, name)


def texts(code):
    return json.loads((PAGE / "texts" / f"{code}.json").read_text("utf-8"))


def places(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name and "/" not in name}


def test_texts_are_there_in_each_language_with_the_same_places():
    english = texts("en")
    assert {path.stem for path in (PAGE / "texts").glob("*.json")} == set(NAMES)
    for code in NAMES:
        own = texts(code)
        assert list(own) == list(english), code
        assert all(own.values()), code
        assert {key: places(own[key]) for key in own} == {key: places(english[key]) for key in english}


def said():
    """Keys that the page's code says: whole ones, and beginnings that something is put after."""
    whole, begun = set(), set()
    for _, text in ours(".js"):
        whole |= set(re.findall(r"\bsay\(\s*\"([\w-]+)\"", text))
        begun |= set(re.findall(r"\b(?:say|has)\(\s*`([\w-]+)\$\{", text))
        for inside in re.findall(r"\bsay\(((?:[^()]|\([^()]*\))*)\)", text):
            whole |= {key for key in re.findall(r"\"([\w-]+)\"", inside) if key in texts("en")}
    return whole, begun


def test_every_text_is_said_and_everything_said_is_a_text():
    whole, begun = said()
    english = set(texts("en"))
    assert whole <= english
    used = {key for key in english if key in whole or any(key.startswith(start) for start in begun)}
    words = " ".join(text for _, text in ours(".js"))
    assert {key for key in english - used if f'"{key}"' not in words} == set()


WORKER = """
import { pathToFileURL } from "node:url";
const [folder, worker] = process.argv.slice(2).map((path) => pathToFileURL(path).href);
const settings = { pyodide: `${folder}/`, libraries: ["numpy"], wheels: [], further: ["polars"] };
globalThis.fetch = async () => ({ ok: true, json: async () => settings });
globalThis.log = [];
const frame = (header) => {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const data = new Uint8Array(4 + text.length);
  new DataView(data.buffer).setUint32(0, text.length, true);
  data.set(text, 4);
  return data.buffer;
};
globalThis.postMessage = ({ status }) => {
  if (status !== "open") return;
  globalThis.onmessage({ data: frame({ type: "picture" }) });
  globalThis.onmessage({ data: { type: "look" } });
  globalThis.onmessage({ data: frame({ type: "upload", kind: "table" }) });
  globalThis.onmessage({ data: { type: "seen" } });
  setTimeout(() => { console.log(JSON.stringify(log)); process.exit(0); }, 300);
};
globalThis.onmessage = null;
await import(worker);
"""
PYODIDE = """
const hear = (data) => log.push(typeof data === "string" ? data : "frame");
export const loadPyodide = async () => {
  const loadedPackages = { numpy: "here" };
  return {
    loadedPackages,
    loadPackage: (name) => new Promise((done) => setTimeout(() => { log.push(`load ${name}`); done(); }, 50)),
    pyimport: () => ({ Alone: () => ({ hear, turn() {} }) }),
  };
};
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="Node isn't installed")
def test_only_a_table_waits_for_its_libraries_and_nothing_overtakes_it(tmp_path):
    for name, text in (("run.mjs", WORKER), ("pyodide.mjs", PYODIDE)):
        (tmp_path / name).write_text(text)
    (tmp_path / "worker.mjs").write_text((PAGE / "worker-pyodide.js").read_text())
    command = ["node", str(tmp_path / "run.mjs"), str(tmp_path), str(tmp_path / "worker.mjs")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    heard = ["frame", '{"type":"look"}', "load polars", "frame", '{"type":"seen"}']
    assert json.loads(done.stdout) == ["load numpy", *heard], done.stderr
