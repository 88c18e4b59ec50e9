"""Backlit trains neural networks at the speed of the hardware, and shows why they learn, or don't.

The public names stand in `__init__.pyi`; each is imported when it is first used, so that
`import backlit` is quick.
"""

import importlib
from types import ModuleType

import lazy_loader

_lookup, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> object:
    """Import a public name; where it is a module that its room doesn't import by itself, import that."""
    try:
        return _lookup(name)
    except AttributeError as error:
        if name in __all__ and isinstance(error.obj, ModuleType) and error.name == name:
            return importlib.import_module(f"{error.obj.__name__}.{name}")
        raise


del lazy_loader
