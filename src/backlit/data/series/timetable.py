"""Times that are even by a calendar rather than a clock: days of months, working days, business hours."""

from __future__ import annotations

from typing import Any

import numpy as np

DAY = 86_400_000_000  # microseconds
MONTHLY = 27.5 * DAY  # shortest usual distance of what may count months
EVERY_DAY = "1111111"
WORKING = "1111100"
LAST = -1  # the last day of each month
EPOCH = "1800-01-01"  # from which weekdays are counted
FULL = 0.6  # share of a timetable's times that must be there, on the days that are
NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def months(values: np.ndarray, typical: float) -> dict[str, Any] | None:
    """How times that are whole months apart lie in their months; None if by no rule.

    The same day, the last one, or the first, second … last of certain weekdays: third Fridays, last working days.
    """
    days = values.astype("datetime64[us]").astype("datetime64[D]")
    clock = values - days.astype("datetime64[us]").astype(np.int64)
    if typical < MONTHLY or (clock != clock[0]).any():
        return None
    found = days.astype("datetime64[M]")
    step = max(1, round(typical / (365.2425 * DAY / 12)))
    numbers: Any = found.astype(np.int64)
    rule = next((rule for rule in _rules(days) if (day_of(found, *rule) == days).all()), None)
    if rule is None or (np.diff(np.unique(numbers)) % step).any():
        return None
    start = int(numbers[0] % step)
    return {"step": float(step), "offset": float(start), "day": rule[0], "among": rule[1], "clock": float(clock[0])}


def _rules(days: np.ndarray) -> Any:
    """Which day of a month it may be, and among which."""
    number = (days - days.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64) + 1
    if number.max() > number.min():
        yield LAST, EVERY_DAY
    yield int(number.max()), EVERY_DAY
    weekday = _weekday(days)
    if (weekday == weekday[0]).all():
        one = "".join("1" if day == weekday[0] else "0" for day in range(7))
        yield from ((which, one) for which in (LAST, int((number.min() + 6) // 7)))
    yield from ((which, WORKING) for which in (LAST, 1))


def day_of(months: np.ndarray, day: int, among: str = EVERY_DAY) -> np.ndarray:
    """The day of each month, datetime64[D]; a month that is shorter has its last."""
    first, last = months.astype("datetime64[D]"), (months + 1).astype("datetime64[D]") - 1
    if among != EVERY_DAY:
        start, roll = (last, "backward") if day == LAST else (first, "forward")
        return np.busday_offset(start, max(day - 1, 0), roll=roll, weekmask=among)  # type: ignore[call-overload]
    return last if day == LAST else np.minimum(first + (day - 1), last)


def weekly(values: np.ndarray, step: float) -> dict[str, Any] | None:
    """Days of the week, and times of the day, that alone occur; None if all do.

    Parameters
    ----------
    values : int array (rows,)
        Microseconds, by the clock on the wall.
    step : float
        The most frequent distance of neighbours.
    """
    days = values.astype("datetime64[us]").astype("datetime64[D]")
    clock = values - days.astype("datetime64[us]").astype(np.int64)
    hours, present = np.unique(clock), np.unique(_weekday(days))
    mask = "".join("1" if day in present else "0" for day in range(7))
    span = int(np.ptp(days.astype(np.int64)))
    if len(hours) == 1 and step == DAY:
        if mask == EVERY_DAY or span < 14:
            return None
        return {"unit": "weekdays", "step": 1.0, "offset": float(clock[0]), "weekdays": mask}
    if step >= DAY or DAY % step or (hours % step != hours[0] % step).any() or span < 2:
        return None
    if span < 14 and (mask != WORKING or span < 7):
        mask = EVERY_DAY
    if len(hours) == DAY // step and mask == EVERY_DAY:
        return None
    is_run = bool((np.diff(hours) == step).all())  # times of the day follow each other: no data that has gaps
    occurring = len(np.unique(values)) / (len(np.unique(days)) * len(hours))
    if not is_run or occurring < FULL:
        return None
    return {"unit": "hours", "step": step, "offset": 0.0, "weekdays": mask, "hours": tuple(hours.tolist())}


def moments(places: np.ndarray, weekdays: str, hours: tuple[int, ...]) -> np.ndarray:
    """Microseconds since 1970 of places among the times of a timetable."""
    count, which = np.divmod(places, len(hours))
    days = np.busday_offset(np.datetime64(EPOCH), count, roll="forward", weekmask=weekdays)
    return days.astype("datetime64[us]").astype(np.int64) + np.asarray(hours)[which]


def places(values: np.ndarray, weekdays: str, hours: tuple[int, ...], near: float) -> np.ndarray:
    """Places of microseconds, those between the timetable's times at halves."""
    days = values.astype("datetime64[us]").astype("datetime64[D]")
    clock = values - days.astype("datetime64[us]").astype(np.int64)
    count = np.busday_count(np.datetime64(EPOCH), days, weekmask=weekdays).astype(float)
    times = np.asarray(hours)
    which = np.minimum(np.searchsorted(times, clock), len(times) - 1)
    below = np.maximum(which - 1, 0)
    which = np.where(np.abs(clock - times[below]) < np.abs(clock - times[which]), below, which)
    strange = ~np.is_busday(days, weekmask=weekdays) | (np.abs(clock - times[which]) > near)
    return count * len(hours) + which - 0.5 * strange


def named(weekdays: str) -> str:
    """Days of the week in words."""
    if weekdays in (EVERY_DAY, WORKING):
        return "day" if weekdays == EVERY_DAY else "working day"
    return ", ".join(name for name, is_present in zip(NAMES, weekdays, strict=True) if is_present == "1")


def _weekday(days: np.ndarray) -> np.ndarray:
    return (days.astype(np.int64) + 3) % 7  # 1970 began with a Thursday
