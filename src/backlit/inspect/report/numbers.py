"""Numbers as the report shows them."""

from __future__ import annotations

import math
from typing import Any


def short(value: Any) -> str:
    """Four significant digits, and a dash for what isn't there.

    >>> short(0.98765), short(12345.678), short(1.5e-07), short(None), short(3), short(True)
    ('0.9877', '12,346', '1.5e-07', '–', '3', 'True')
    """
    if value is None:
        return "–"
    if isinstance(value, (bool, str)):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def percent(share: Any) -> str:
    """A share in percent.

    >>> percent(0.98765), percent(1.0), percent(0.0), percent(0.00012), percent(None)
    ('98.8 %', '100 %', '0 %', '0.01 %', '–')
    """
    if share is None:
        return "–"
    number = 100 * share
    if number in (0, 100):
        return f"{number:.0f} %"
    return f"{number:.1f} %" if number >= 0.1 else f"{number:.1g} %"
