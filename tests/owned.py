"""What is Backlit's own among what is registered: examples in docstrings define classes in its modules, too."""

import sys


def is_own(kind: type) -> bool:
    """Whether a class stands in the module of Backlit's that it says it is from."""
    return kind.__module__.startswith("backlit.") and getattr(sys.modules[kind.__module__], kind.__name__, None) is kind
