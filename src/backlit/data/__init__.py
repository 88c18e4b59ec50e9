"""Data: built-in sets, tables, texts, scaling, splitting, encoding.

The names stand in `__init__.pyi`; each is imported when it is first used: whoever reads a table needs no pictures.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

del lazy_loader
