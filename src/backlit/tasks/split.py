"""Which rows are learned from, which tell when to stop, and which judge."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from backlit.data.splitting import split
from backlit.errors import InputError
from backlit.languages import Template
from backlit.tasks.options import Options
from backlit.tasks.task import Material, Parts
from backlit.train.ensemble import Folds

ALL_DIFFERENT = 0.7  # share of different rows from which equal ones are copies, and not alike by nature
TOGETHER = Template(
    "{count} rows are copies of others: they are in the same part as these, so that none is judged that was learned",
    "다른 것과 똑같은 데이터가 {count}개 있습니다. 배운 것으로 평가하지 않도록 같은 부분에 넣었습니다.",
)


def divide(material: Material, fractions: Sequence[float], seed: int) -> tuple[Parts, list[str]]:
    """Split the material; what couldn't be done as wished comes back as notes.

    Classes are shared out alike. A class with fewer rows than there are parts goes to training, all of it.
    """
    notes: list[str] = []
    fractions = shares_of(material, fractions)
    y = material.y
    rows: Sequence[np.ndarray]
    if material.given is not None:
        rows, notes = _as_given(material.given, y, fractions, seed)
    elif material.order is not None:
        rows = split(len(y), fractions, seed, order=material.order)
    elif material.groups is not None:
        rows = split(len(y), fractions, seed, groups=material.groups)
    elif material.task == "classification":
        found = [notes]
        rows = alike(material.copies, len(y), lambda ones: _noted(found, _stratified(y[ones], fractions, seed)))
        notes = found[-1]
    else:
        rows = alike(material.copies, len(y), lambda ones: split(len(ones), fractions, seed))
    train, validation, *rest = rows
    test = rest[0] if rest else np.arange(0)
    if material.task == "classification":
        validation, test, more = _known_classes(y, train, validation, test)
        notes += more
    return parts_of(material, train, validation, test, notes), notes


def parts_of(
    material: Material, train: np.ndarray, validation: np.ndarray, test: np.ndarray, notes: list[str]
) -> Parts:
    """The parts with the rows to judge on: those of the test file, if there is one."""
    if material.test is None:
        return Parts(train, validation, test, material.raw[test], material.y[test])
    raw, truth = material.test
    if material.task == "classification":
        here = np.isin(truth, np.unique(material.y[train]))
        if not here.all():
            notes.append(f"{int((~here).sum())} test rows have a class that training doesn't have; they aren't judged")
            raw, truth = raw.filter(here), truth[here]
        if not len(truth):
            raise InputError("no test row has a class that training has; is the test file's target the same?")
    return Parts(train, validation, np.arange(len(truth)), raw, truth)


def fold(material: Material, parts: Parts, members: int, options: Options) -> tuple[Parts, Folds | None]:
    """For an ensemble, training and validation rows as one pool, of which each member holds back another share.

    Not where one set of validation rows is needed: to follow the training rows in time, or to calibrate on.
    """
    divided = material.order is not None or material.given is not None
    if members == 1 or divided or options.calibrate:
        return parts, None
    pool = np.sort(np.concatenate([parts.train, parts.validation]))
    candidates, stratify, groups = np.arange(len(pool)), None, None
    if material.groups is not None:
        groups = np.unique(material.groups[pool], return_inverse=True)[1]
        if groups.max() + 1 < members:
            return parts, None
    elif material.task == "classification":
        codes, counts = np.unique(material.y[pool], return_inverse=True, return_counts=True)[1:]
        candidates = candidates[counts[codes] >= members]  # every member learns from all rows of small classes
        stratify = codes[candidates]
    if len(candidates) < members:
        return parts, None
    if material.copies is not None and groups is None:
        groups, stratify = np.unique(material.copies[pool[candidates]], return_inverse=True)[1], None
    drawn = Folds.draw(len(candidates), members, options.seed, stratify, groups)
    folds = Folds(tuple(candidates[rows] for rows in drawn.rows))
    return dataclasses.replace(parts, train=pool, validation=pool[:0]), folds


def copies_of(contents: Sequence[Any]) -> np.ndarray | None:
    """Codes that are equal for rows of equal content; None if all differ, or many are alike by nature.

    >>> copies_of(["a", "b", "a", "c", "d"]), copies_of(["yes", "no", "yes", "yes"])
    (array([0, 1, 0, 2, 3]), None)
    """
    codes: dict[Any, int] = {}
    found = np.array([codes.setdefault(content, len(codes)) for content in contents], dtype=np.int64)
    return found if ALL_DIFFERENT * len(found) <= len(codes) < len(found) else None


def together(copies: np.ndarray) -> str:
    """A sentence on how many rows are copies."""
    return TOGETHER.say(count=len(copies) - len(np.unique(copies)))


def alike(
    copies: np.ndarray | None, count: int, divided: Callable[[np.ndarray], Sequence[np.ndarray]]
) -> Sequence[np.ndarray]:
    """Parts of so many rows, copies in the part of the first of them.

    Parameters
    ----------
    copies : int array (rows,), optional
    count : int
    divided : callable
        Divides some rows, given their numbers, by their places.
    """
    if copies is None:
        return divided(np.arange(count))
    ones, groups = np.unique(copies, return_index=True, return_inverse=True)[1:]
    return [np.flatnonzero(np.isin(groups, places)) for places in divided(ones)]


def _noted(found: list[list[str]], divided: tuple[tuple[np.ndarray, ...], list[str]]) -> tuple[np.ndarray, ...]:
    """The parts, their notes put aside."""
    found.append(divided[1])
    return divided[0]


def shares_of(material: Material, fractions: Sequence[float]) -> tuple[float, ...]:
    """Shares of training, validation and (unless the user has a test file) test rows, for which there are enough."""
    shares = tuple(fractions)
    if len(shares) not in (2, 3):
        raise InputError(f"split needs the shares of training, validation and test rows, got {fractions!r}")
    if material.test is not None and len(shares) == 3:
        shares = (shares[0] / (shares[0] + shares[1]), shares[1] / (shares[0] + shares[1]))
    if len(material.y) < len(shares):
        raise InputError(
            f"{material.name}: {len(material.y)} row{'s' if len(material.y) > 1 else ''} can't be split into training, "
            "validation and test rows; give more rows"
        )
    return shares


def _as_given(
    given: np.ndarray, y: np.ndarray, fractions: Sequence[float], seed: int
) -> tuple[tuple[np.ndarray, ...], list[str]]:
    """The user's own parts; what is missing of validation and test is a share of the training rows."""
    train, *others = (np.flatnonzero(given == part) for part in range(3))
    wanted = [part for part in range(len(fractions) - 1) if not len(others[part])]
    notes: list[str] = []
    if wanted:
        shares = [1 - sum(fractions[1 + part] for part in wanted), *(fractions[1 + part] for part in wanted)]
        (rest, *cut), notes = _stratified(y[train], shares, seed)
        for part, rows in zip(wanted, cut, strict=True):
            others[part] = train[rows]
        train = train[rest]
    return (train, *others), notes


def _stratified(y: np.ndarray, fractions: Sequence[float], seed: int) -> tuple[tuple[np.ndarray, ...], list[str]]:
    """Rows of each class in every part; those of classes too small for that are all learned from."""
    classes, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
    small = counts < len(fractions)
    if not small.any():
        return split(len(y), fractions, seed, stratify=codes), []
    named = ", ".join(f"{name} ({count})" for name, count in zip(classes[small][:5], counts[small][:5], strict=True))
    few = np.flatnonzero(small[codes])
    many = np.flatnonzero(~small[codes])
    if len(many) < len(fractions):
        raise InputError(f"every class has fewer than {len(fractions)} rows ({named}); is the target a class at all?")
    parts = split(len(many), fractions, seed, stratify=codes[many])
    train, *others = (many[part] for part in parts)
    note = f"too few rows to be in every part, so all are learned from and none judged: class {named}"
    return (np.sort(np.concatenate([train, few])), *others), [note]


def _known_classes(
    y: np.ndarray, train: np.ndarray, validation: np.ndarray, test: np.ndarray
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Leave out rows of classes that training doesn't have: groups and times may keep a class together."""
    notes = []
    known = []
    for what, rows in (("validation", validation), ("test", test)):
        here = np.isin(y[rows], np.unique(y[train]))
        if not here.all():
            notes.append(f"{int((~here).sum())} {what} rows have a class that training doesn't have; they are left out")
        known.append(rows[here])
    if not len(known[0]):
        raise InputError("no validation row has a class that training has; split in another way")
    return known[0], known[1], notes
