"""The time zone in which times were written: by what they say of their distance from UTC."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

OFFSET = r"([Zz]|[+-][0-9]{2}:?[0-9]{2})$"
HOME = re.compile(r" in ([A-Za-z][A-Za-z0-9_+/-]*)$")  # at a format's end
LOOK = 400  # moments that are compared
# Where several zones say the same of all times, the best known is named.
KNOWN = (
    "Europe/Berlin", "Europe/London", "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles",
    "Europe/Athens", "Europe/Lisbon", "Australia/Sydney", "Australia/Adelaide", "America/Sao_Paulo",
    "America/Santiago", "America/Halifax", "America/St_Johns", "Asia/Jerusalem", "Pacific/Auckland", "Asia/Kolkata",
    "Asia/Tehran", "Asia/Kathmandu", "Australia/Darwin", "Australia/Lord_Howe",
)  # fmt: skip


def zones() -> Iterator[str]:
    """Names of time zones, the best known first."""
    from zoneinfo import available_timezones

    yield from KNOWN
    yield from sorted(name for name in available_timezones() - set(KNOWN) if "/" in name)


def home_of(cells: Any, moments: Any) -> str:
    """The zone whose clocks show what these cells say: a fixed one if all are as far from UTC.

    Parameters
    ----------
    cells : polars.Series of text
        Each ends in Z or a distance from UTC such as +09:00.
    moments : polars.Series
        What they mean, in UTC.

    Examples
    --------
    >>> import polars as pl
    >>> cells = pl.Series(["2024-03-30T00:00+01:00", "2024-04-01T00:00+02:00"])
    >>> home_of(cells, cells.str.to_datetime("%Y-%m-%dT%H:%M%:z", time_zone="UTC"))
    'Europe/Berlin'
    >>> home_of(cells[:1], None)
    'Etc/GMT-1'
    """
    import polars as pl

    frame = pl.DataFrame({"shift": cells.str.strip_chars().str.extract(OFFSET)})
    if moments is not None:
        frame = frame.with_columns(at=moments)
    frame = frame.drop_nulls().with_columns(shift=_minutes(pl.col("shift")))
    shifts = frame["shift"].unique().to_list()
    if len(shifts) == 1 and shifts[0] % 60 == 0 and -12 <= shifts[0] // 60 <= 14:
        hours = shifts[0] // 60
        return f"Etc/GMT{-hours:+d}" if hours else "UTC"
    if not shifts or moments is None:
        return "UTC"
    frame = frame.sort("at")
    is_change = (pl.col("shift") != pl.col("shift").shift(1)) | (pl.col("shift") != pl.col("shift").shift(-1))
    few = pl.concat([frame.filter(is_change)[:LOOK], frame.gather_every(max(1, frame.height // LOOK))])
    return next((zone for zone in zones() if _agrees(zone, few)), "UTC")


def _minutes(shift: Any) -> Any:
    import polars as pl

    digits = shift.str.replace(":", "", literal=True)
    size = digits.str.slice(1, 2).cast(pl.Int32, strict=False) * 60 + digits.str.slice(3, 2).cast(
        pl.Int32, strict=False
    )
    return pl.when(digits.str.starts_with("-")).then(-size).otherwise(size).fill_null(0)


def _agrees(zone: str, frame: Any) -> bool:
    """Whether clocks of a zone are as far from UTC as the cells say."""
    import polars as pl

    try:
        local = frame["at"].dt.convert_time_zone(zone)
    except pl.exceptions.ComputeError:  # a name that this version doesn't know
        return False
    shift = local.dt.base_utc_offset().dt.total_minutes() + local.dt.dst_offset().dt.total_minutes()
    return bool((shift == frame["shift"]).all())


def at_home(frame: Any, name: str, formats: Mapping[str, str]) -> Any:
    """A frame whose times in a column are in the zone in which its file wrote them; `formats` are the source's."""
    import polars as pl

    home = HOME.search(formats.get(name, ""))
    if home is None or name not in frame.columns or frame[name].dtype != pl.Datetime("us", "UTC"):
        return frame
    return frame.with_columns(pl.col(name).dt.convert_time_zone(home[1]))
