"""The reference: every public name on one page of its kind, for mkdocstrings to fill from the docstrings."""

from __future__ import annotations

import html
import inspect
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from summaries import korean

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


HEADED = re.compile(r'(<h2 id="([\w.]+)"(?:(?!<h2 ).)*?<div class="doc doc-contents first">)', flags=re.DOTALL)
TITLES = {
    "training": ("학습", "데이터에서 학습 결과까지, 그리고 그 결과로 할 수 있는 일."),
    "tensors": ("텐서와 미분", "그래프와 그 미분, 컴파일한 함수."),
    "operations": ("연산", ""),
    "layers": ("층", "신경망을 이루는 것. 매개변수까지 갖춘 것이 `bl.Network`입니다."),
    "activations": ("활성화 함수", ""),
    "losses": ("손실과 벌점", ""),
    "initializers": ("초기화", ""),
    "optimizers": ("옵티마이저", ""),
    "schedules": ("학습률 스케줄", ""),
    "data": ("데이터", ""),
    "inside": ("들여다보기", "설명, 그림, 손으로 푸는 학습 한 스텝, 열의 중요도, 학습 중에 들여다보기."),
    "doctor": ("닥터 함수", "학습하기 전과 뒤에 신경망의 무엇이 잘못되었는지."),
    "exchange": ("다른 도구", "신경망과 학습 결과를 다른 도구와 주고받기."),
    "sklearn": ("scikit-learn", ""),
    "trackers": ("실험 기록 도구", ""),
    "distributed": ("함께 학습하는 프로세스", ""),
    "plots": ("그림", ""),
    "lessons": ("레슨 함수", ""),
    "errors": ("오류와 경고", ""),
}
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


def sentence(name: str) -> str:
    """The Korean sentence of a public name."""
    if name not in korean():
        raise LookupError(f"{name} is public, but has no sentence in docs/site/summaries.ko.toml")
    return korean()[name]


def write(folder: Path) -> None:
    """Write the pages and their index, in both languages."""
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
    ours = [
        "# 레퍼런스",
        "",
        (
            "공개된 이름을 모두 담았습니다. 어디서나 `import backlit as bl`입니다. 이름마다 첫 문장은 한국어이고, "
            "자세한 설명은 코드의 영어 docstring 그대로입니다. [명령줄](command.md)은 따로 한 쪽이 있습니다."
        ),
        "",
    ]
    for page in PAGES:
        found = ordered(names[page.name])
        title, about = TITLES[page.name]
        (folder / f"{page.name}.md").write_text(text(page, page.title, page.about, found), encoding="utf-8")
        (folder / f"{page.name}.ko.md").write_text(text(page, title, about, found), encoding="utf-8")
        links = {name: f"[{name.removeprefix('bl.')}]({page.name}.md#{defined(found[name])})" for name in found}
        lines += [f"## [{page.title}]({page.name}.md)", "", " · ".join(links.values()), ""]
        ours += [f"## [{title}]({page.name}.md)", "", *(f"- {links[name]}: {sentence(name)}" for name in found), ""]
    (folder / "index.md").write_text("\n".join(lines), encoding="utf-8")
    (folder / "index.ko.md").write_text("\n".join(ours), encoding="utf-8")


def with_summaries(content: str) -> str:
    """A Korean page's HTML with the Korean sentence of each name before its English docstring."""
    sentences = {defined(thing): sentence(name) for name, thing in public().items()}

    def put(found: re.Match[str]) -> str:
        told = re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(sentences.get(found[2], ""), quote=False))
        return found[0] + (f'\n<p class="summary" lang="ko">{told}</p>\n' if told else "")

    return HEADED.sub(put, content)


def ordered(found: dict[str, Any]) -> dict[str, Any]:
    """Names of `bl` before those of its modules; then classes or functions, whichever are more; then the alphabet."""
    classes = 2 * sum(map(inspect.isclass, found.values())) > len(found)

    def place(name: str) -> tuple[int, bool, str]:
        return name.count("."), inspect.isclass(found[name]) != classes, name.lower()

    return {name: found[name] for name in sorted(found, key=place)}


def text(page: Page, title: str, about: str, found: dict[str, Any]) -> str:
    """A page: what it is about, then a directive for each name."""
    lines = [f"# {title}", ""]
    if about:
        lines += [about, ""]
    if page.module:
        lines += [
            f"::: {getattr(bl, page.module).__name__}",
            "    options: {members: false, show_root_heading: false, show_root_toc_entry: false}",
            "",
        ]
    for name, thing in found.items():
        lines += [f"::: {defined(thing)}", f'    options: {{heading: "{name}", toc_label: "{name}"}}', ""]
    return "\n".join(lines)
