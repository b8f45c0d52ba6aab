"""How this flowgauge was built."""

from __future__ import annotations

from stream.items import tracker


def is_compiled() -> bool:
    """Tell whether mypyc has compiled the core, as in the image. Plain Python gives the same results, more slowly."""
    return not tracker.__file__.endswith(".py")
