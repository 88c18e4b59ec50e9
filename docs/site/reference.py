"""The reference: every public name on one page of its kind, for mkdocstrings to fill from the docstrings."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import backlit as bl

# Public modules: their names are called by them, as in bl.optim.AddMomentum; what several have is called by the first.
MODULES = tuple(
    sorted((name for name in bl.__all__ if inspect.ismodule(getattr(bl, name))), key=lambda name: name != "ops")
)


@dataclass(frozen=True)
class Page:
    """A page of the reference: the names that are defined in some modules.

    Attributes
    ----------
    name, title, about : str
    sources : tuple of str
        Modules below `backlit`; a name belongs to the page with the longest that fits.
    module : str
        The public module whose docstring is the introduction, if there is one.
    """

    name: str
    title: str
    about: str
    sources: tuple[str, ...]
    module: str = ""


TRAINING = ("fitting", "tuning", "doors", "run", "train", "tasks", "store", "exchange.data")
ACTIVATIONS = ("nn.layers.activations", "graph.ops.activation", "nn.layers.activation_facts")
PAGES = (
    Page("training", "Training", "From data to a run, and what can be done with one.", TRAINING),
    Page("tensors", "Tensors and derivatives", "The graph and its derivatives; compiled forms.", ("graph", "engine")),
    Page("operations", "Operations", "", ("graph.ops",), "ops"),
    Page("layers", "Layers", "What networks are made of; a `bl.Network` has parameters as well.", ("nn",)),
    Page("activations", "Activations", "", ACTIVATIONS, "activations"),
    Page("losses", "Losses and penalties", "", ("nn.losses", "nn.penalties"), "losses"),
    Page("initializers", "Initialisers", "", ("nn.initializers",), "initializers"),
    Page("optimizers", "Optimizers", "", ("optim",), "optim"),
    Page("schedules", "Schedules", "", ("optim.schedules", "optim.plateau", "optim.rate"), "schedules"),
    Page("data", "Data", "", ("data", "bounds"), "data"),
    Page(
        "inside",
        "Seeing inside",
        "Explanations, drawings, a training step by hand, importance of columns, probes; the studio in a notebook.",
        ("inspect", "train.probes", "studio"),
    ),
    Page("doctor", "The doctor", "What is wrong with a network, before and after training.", ("doctor", "watching")),
    Page("exchange", "Other tools", "Networks and runs to and from other tools.", ("exchange",)),
    Page("sklearn", "scikit-learn", "", ("sklearn",), "sklearn"),
    Page("trackers", "Trackers", "", ("trackers",), "trackers"),
    Page("distributed", "Processes that train together", "", ("distributed",), "distributed"),
    Page("plots", "Plots", "", ("inspect.plots",), "plots"),
    Page("lessons", "Lessons", "", ("lessons",), "lessons"),
    Page("errors", "Errors and warnings", "", ("errors",), "errors"),
)  # fmt: skip


def members(module: Any) -> list[str]:
    """Public names of a public module: those it lists, or those it defines."""
    if hasattr(module, "__all__"):
        return list(module.__all__)
    return [
        name
        for name, thing in vars(module).items()
        if not name.startswith("_") and getattr(thing, "__module__", "") == module.__name__ and callable(thing)
    ]


def public() -> dict[str, Any]:
    """Every public thing by the shortest name it is called by: "bl.Linear", "bl.optim.AddMomentum"."""
    found = {f"bl.{name}": getattr(bl, name) for name in bl.__all__ if name not in MODULES and not name.startswith("_")}
    known = {id(thing) for thing in found.values()}
    for module in MODULES:
        for name in members(getattr(bl, module)):
            thing = getattr(getattr(bl, module), name)
            if callable(thing) and id(thing) not in known:
                known.add(id(thing))
                found[f"bl.{module}.{name}"] = thing
    return found


def defined(thing: Any) -> str:
    """Where a thing is defined: "backlit.nn.layers.linear.Linear"."""
    op = getattr(thing, "__wrapped__", thing)  # an operation is what its forward function was made into
    return f"{op.__module__}.{op.__qualname__}"


def page_of(thing: Any) -> Page:
    """The page on which a public thing stands."""
    path = f"{defined(thing).removeprefix('backlit.')}."
    fitting = [(len(source), page) for page in PAGES for source in page.sources if path.startswith(f"{source}.")]
    if not fitting:
        raise LookupError(
            f"{defined(thing)} is public, but no page of the reference is for it: see docs/site/reference.py"
        )
    return max(fitting, key=lambda pair: pair[0])[1]


def write(folder: Path) -> None:
    """Write the pages and their index."""
    folder.mkdir(parents=True, exist_ok=True)
    names: dict[str, dict[str, Any]] = {page.name: {} for page in PAGES}
    for name, thing in public().items():
        names[page_of(thing).name][name] = thing
    lines = [
        "# Reference",
        "",
        "Every public name, from its docstring. In all of it, `import backlit as bl`.",
        "The [command line](command.md) has a page of its own.",
        "",
    ]
    for page in PAGES:
        found = ordered(names[page.name])
        (folder / f"{page.name}.md").write_text(text(page, found), encoding="utf-8")
        links = " · ".join(f"[{name.removeprefix('bl.')}]({page.name}.md#{defined(found[name])})" for name in found)
        lines += [f"## [{page.title}]({page.name}.md)", "", links, ""]
    (folder / "index.md").write_text("\n".join(lines), encoding="utf-8")


def ordered(found: dict[str, Any]) -> dict[str, Any]:
    """Names of `bl` before those of its modules; then classes or functions, whichever are more; then the alphabet."""
    classes = 2 * sum(map(inspect.isclass, found.values())) > len(found)

    def place(name: str) -> tuple[int, bool, str]:
        return name.count("."), inspect.isclass(found[name]) != classes, name.lower()

    return {name: found[name] for name in sorted(found, key=place)}


def text(page: Page, found: dict[str, Any]) -> str:
    """A page: what it is about, then a directive for each name."""
    lines = [f"# {page.title}", ""]
    if page.about:
        lines += [page.about, ""]
    if page.module:
        lines += [
            f"::: {getattr(bl, page.module).__name__}",
            "    options: {members: false, show_root_heading: false, show_root_toc_entry: false}",
            "",
        ]
    for name, thing in found.items():
        lines += [f"::: {defined(thing)}", f'    options: {{heading: "{name}", toc_label: "{name}"}}', ""]
    return "\n".join(lines)
