"""Finding: one cause with its measure, its consequences and its remedy; Diagnosis: all of a network's."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Finding:
    """One cause.

    Attributes
    ----------
    name : str
        Of the kind of finding: "learning rate too high".
    where : str
        Layer, parameter, column, share of rows or epoch.
    measured, threshold : float or None
        What was measured and beyond which it is told; `measure` says what the number is.
    measure, source : str
        What was measured; where the threshold comes from.
    cause : str
        What is wrong, in a sentence.
    consequences : tuple of str
        What follows from it and was seen as well.
    remedy, command : str
        What to change: a line of Python, and options of the command (empty where there are none).
    effect : str
        What to expect of the remedy.
    severity : str
        "alarm", or "remark" for what does no harm yet.
    picture : str
        The call that shows it.
    """

    name: str
    where: str
    measured: float | None
    threshold: float | None
    measure: str
    source: str
    cause: str
    remedy: str
    command: str
    effect: str
    severity: str = "alarm"
    picture: str = "run.plot()"
    consequences: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return dataclasses.asdict(self) | {"consequences": list(self.consequences)}

    def __str__(self) -> str:
        number = "" if self.measured is None else f"{self.measured:.4g}"
        limit = "" if self.threshold is None else f" (limit {self.threshold:.4g}: {self.source})"
        lines = [f"{self.severity.upper()}  {self.name}: {self.where}", f"  {self.cause}"]
        if number:
            lines.append(f"  measured   {self.measure}: {number}{limit}")
        lines += [f"  follows    {each}" for each in self.consequences]
        lines.append(f"  remedy     {self.remedy}")
        if self.command:
            lines.append(f"             {self.command}")
        lines += [f"  expect     {self.effect}", f"  see        {self.picture}"]
        return "\n".join(lines)


class Diagnosis(tuple[Finding, ...]):
    """Findings, alarms before remarks, each group in the order of cause before effect.

    Examples
    --------
    >>> print(Diagnosis())
    no findings
    """

    __slots__ = ()

    def __new__(cls, findings: Iterable[Finding] = ()) -> Self:
        return super().__new__(cls, findings)

    @property
    def alarms(self) -> Diagnosis:
        """Those that harm."""
        return Diagnosis(finding for finding in self if finding.severity == "alarm")

    @property
    def remarks(self) -> Diagnosis:
        """Those that are only good to know."""
        return Diagnosis(finding for finding in self if finding.severity == "remark")

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"findings": [finding.to_dict() for finding in self]}

    def __str__(self) -> str:
        return "\n\n".join(map(str, self)) or "no findings"

    def __repr__(self) -> str:
        return f"Diagnosis({', '.join(f'{each.severity}: {each.name}' for each in self) or 'no findings'})"
