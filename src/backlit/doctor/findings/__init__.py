"""What can be wrong, a file for each finding or close kin: its rule, threshold, texts in each language, and repair.

A module of this folder tells its findings in `KINDS`; nothing else has to know of it.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from types import MappingProxyType

from backlit.doctor.finding import Kind


@functools.cache
def kinds() -> MappingProxyType[str, Kind]:
    """All kinds of findings by name, in the order in which causes come before effects."""
    modules = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    every = sorted((kind for module in modules for kind in module.KINDS), key=lambda kind: kind.order)
    return MappingProxyType({kind.key: kind for kind in every})
