"""Runs the `flowgauge` command as its user does: arguments in; exit status, stdout and stderr out."""

from __future__ import annotations

import json
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from stream.cli.main import main

REPOSITORY = Path(__file__).parents[2]
FLOW_YAML = REPOSITORY / "deploy" / "flow.yaml"
# Nobody listens there.
NO_KAFKA = "127.0.0.1:1"


class Done(NamedTuple):
    """The result of a command."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The output, which must be one JSON document."""
        return json.loads(self.out)

    @property
    def refusal(self) -> str:
        """The one line of a command that failed with status 1. Raises AssertionError if it did anything else."""
        assert (self.status, self.out) == (1, ""), self
        (line,) = self.err.splitlines()
        assert line.startswith("flowgauge: "), line
        return line.removeprefix("flowgauge: ")

    @property
    def wrong_use(self) -> str:
        """The usage error, status 2, in one line. Raises AssertionError if the command did anything else."""
        assert (self.status, self.out) == (2, ""), self
        assert self.err.startswith("Usage: flowgauge "), self.err
        return " ".join(self.err.split())


def flowgauge(*arguments: object, answers: str = "", **environ: str) -> Done:
    """Run the command in this process, with only the given `FLOW_` variables. `answers` go to its stdin."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("FLOW_")} | environ
    out, err = StringIO(), StringIO()
    status: object = 0
    with (
        mock.patch.dict(os.environ, variables, clear=True),
        mock.patch.object(sys, "stdin", StringIO(answers)),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main([str(one) for one in arguments])
        except SystemExit as ended:
            status = ended.code
    assert status is None or isinstance(status, int), f"a message instead of a status: {status}"
    return Done(status or 0, out.getvalue(), err.getvalue())
