"""`flowgauge demo` refuses wrong use and unusable settings with one line, before it starts anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from stream.demo.portfolio import PORTFOLIO
from tests.cli.command import flowgauge


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--log", "a.csv"], "give both or neither"),
        (["-c", "flow.yaml"], "belong together"),
        (["--map", "a=b"], "give --log FILE too"),
        (["--log", "a.csv", "-c", "flow.yaml", "--seed", "1"], "leave it out with --log"),
        (["--log", "none.csv", "-c", str(PORTFOLIO), "--map", "a"], "the mapping 'a' cannot be read"),
        (["--days", "0"], "Invalid value for '--days'"),
        (["--days", "401"], "Invalid value for '--days'"),
        (["--seed", "x"], "Invalid value for '--seed'"),
        (["--port", "70000"], "Invalid value for '--port'"),
        (["--clock", "yesterday"], "'yesterday': it must be `wall`, `event` or an instant"),
        (["--data-dir", str(PORTFOLIO)], "is a file"),
    ],
)
def test_wrong_use(arguments: list[str], message: str) -> None:
    assert message in flowgauge("demo", *arguments).wrong_use


@pytest.mark.parametrize(
    ("arguments", "environ", "message"),
    [
        (["--log", "none.csv", "-c", str(PORTFOLIO)], {}, "'none.csv' cannot be opened"),
        (["--log", "none.csv", "-c", "none.yaml"], {}, "none.yaml"),
        ([], {"FLOW_WEB_PORT": "many"}, "FLOW_WEB_PORT is 'many': it must be a whole number"),
        ([], {"FLOW_WEB_HOST": "192.0.2.1"}, "cannot serve on '192.0.2.1:6066'"),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_starts(
    arguments: list[str], environ: dict[str, str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in flowgauge("demo", *arguments, **environ).refusal
    assert list(tmp_path.iterdir()) == []
