"""Which core runs is what the command says of it."""

from __future__ import annotations

import os
import subprocess
import sys

from stream import __version__
from stream.build import is_compiled
from stream.items import append_only


def test_the_version_tells_which_core_runs() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "stream", "--version"], capture_output=True, text=True, check=True, env=os.environ
    )
    compiled = not append_only.__file__.endswith(".py")
    assert is_compiled() == compiled
    assert done.stdout == f"flowgauge, version {__version__}, core {'compiled' if compiled else 'in plain Python'}\n"
