"""The list of all that the doctor can find, from the findings' records, in each language."""

from __future__ import annotations

from pathlib import Path

from backlit.doctor.finding import Kind, Role, Sign
from backlit.doctor.findings import kinds
from backlit.languages import NAMES, Template

TITLE = Template("All findings", "진단 목록")
ABOUT = Template(
    "What the doctor can find, in the order in which causes come before effects: alarms later in this order stand "
    "under the first cause, as its consequences. Names are those of `finding.name`. See [The doctor](../doctor.md).",
    "닥터가 찾아내는 것을 원인이 결과보다 앞서는 순서로 적었습니다. 가장 앞선 원인 아래에, 이 순서에서 그보다 뒤에 "
    "오는 경보를 거기서 비롯된 현상으로 모읍니다. 제목은 `finding.name`에 나오는 이름입니다. "
    "[닥터](../doctor.md)를 보십시오.",
)
ROLES = {
    Role.CAUSE: Template(
        "A cause: what else looks wrong may follow from it.", "원인: 다른 이상이 여기서 비롯될 수 있습니다."
    ),
    Role.OUTCOME: Template("An outcome: it may follow from a cause.", "결과: 다른 원인에서 비롯될 수 있습니다."),
    Role.FACT: Template(
        "A fact about the data: it follows from nothing.", "데이터에 대한 사실: 다른 것에서 비롯되지 않습니다."
    ),
}  # fmt: skip
MEASURED = Template("measured", "측정")
SOURCE = Template("threshold from", "기준값의 근거")
EXPECT = Template("Expect of the remedy: {effect}.", "고치면: {effect}")
MENDED = Template("`run.fix()` can mend it.", "`run.fix()`로 고칠 수 있습니다.")
DECIDE = Template("You decide: `run.fix()` leaves it to you.", "`run.fix()`가 고치지 않으므로 직접 판단해야 합니다.")


def write(folder: Path) -> None:
    """Write `findings.md` and its translations."""
    folder.mkdir(parents=True, exist_ok=True)
    for lang in NAMES:
        suffix = "" if lang == "en" else f".{lang}"
        (folder / f"findings{suffix}.md").write_text(page(lang), encoding="utf-8")


def page(lang: str) -> str:
    """The page in a language."""
    sections = [f"# {said(TITLE, lang)}", said(ABOUT, lang), *(section(kind, lang) for kind in kinds().values())]
    return "\n\n".join(sections) + "\n"


def section(kind: Kind, lang: str) -> str:
    """What is said of a finding."""
    title = kind.key if lang == "en" else f"{said(kind.name, lang)} `{kind.key}`"
    code = "\n".join(line for line in (kind.remedy, *([f"# {kind.command}"] if kind.command else [])))
    return "\n\n".join(
        (
            f"## {title}",
            f"{said(kind.cause, lang)} {said(ROLES[kind.role], lang)}",
            table(kind.signs, lang),
            f"```python\n{code}\n```",
            f"{said(EXPECT, lang, effect=said(kind.effect, lang))} {said(MENDED if kind.repair else DECIDE, lang)}",
        )
    )


def table(signs: tuple[Sign, ...], lang: str) -> str:
    """What is measured, and where its threshold comes from; alike ones once."""
    rows = dict.fromkeys((cell(sign.measure, lang), cell(sign.source, lang)) for sign in signs)
    head = f"| {said(MEASURED, lang)} | {said(SOURCE, lang)} |\n|---|---|"
    return "\n".join([head, *(f"| {measure} | {source} |" for measure, source in rows)])


def cell(template: Template, lang: str) -> str:
    """A text for a cell, its values by their names."""
    names = {name: Named(name) for name in template.places(lang)}
    return said(template, lang, **names).replace("|", "\\|")


class Named(str):
    """A value's name in its place, whatever the format."""

    __slots__ = ()

    def __format__(self, form: str) -> str:
        return str(self)


def said(template: Template, lang: str, **values: object) -> str:
    """A text in a language."""
    return template.of(**values).within(lang)
