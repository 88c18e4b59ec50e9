"""Backlit trains neural networks at the speed of the hardware, and shows why they learn, or don't.

The public names stand in `__init__.pyi`; each is imported when it is first used, so that
`import backlit` is quick.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

del lazy_loader
