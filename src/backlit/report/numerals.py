"""Numbers as the report shows them."""

from __future__ import annotations

import math
from typing import Any

NO_BREAK = "\u00a0"


def short(value: Any) -> str:
    """Four significant digits, and a dash for what isn't there.

    >>> short(0.98765), short(12345.678), short(1.5e-07), short(3.76e33), short(None), short(3)
    ('0.9877', '12,346', '1.5e-07', '3.76e+33', '–', '3')
    """
    if value is None:
        return "–"
    if isinstance(value, (bool, str)):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        return str(value)
    return f"{value:,.0f}" if 10_000 <= abs(value) < 1e10 else f"{value:.4g}"


def percent(share: Any) -> str:
    """A share in percent, the sign on the number's line.

    >>> [percent(share).replace(NO_BREAK, "_") for share in (0.98765, 0.9, 1.0, 0.99999, 0.0, 0.00012, None)]
    ['98.8_%', '90_%', '100_%', '99.999_%', '0_%', '0.01_%', '–']
    """
    if share is None:
        return "–"
    if not math.isfinite(share):
        return str(share)
    number = round(100 * share, 9)
    if number == round(number):
        text = f"{number:.0f}"
    elif 0.1 <= number < 99.95:
        text = f"{number:.1f}"
    else:  # neither all nor nothing
        text = f"{number:.1g}" if number < 1 else f"{number:.5g}"
    return text + NO_BREAK + "%"
