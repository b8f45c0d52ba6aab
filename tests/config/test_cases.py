"""The cases: each `*.good.yaml` is read; each `*.bad.yaml` gives exactly the mistakes its head expects."""

from __future__ import annotations

from pathlib import Path

import pytest

from stream.config.loading import load_config, parse_config
from stream.config.mistake import Mistakes

HERE = Path(__file__).parent
EXPECT = "# expect: "
GOOD = sorted(path.name for path in HERE.glob("*.good.yaml"))
BAD = sorted(path.name for path in HERE.glob("*.bad.yaml"))


def test_there_are_cases() -> None:
    assert len(GOOD) >= 4
    assert len(BAD) >= 70


@pytest.mark.parametrize("name", GOOD)
def test_good(name: str) -> None:
    assert load_config(HERE / name).version == 1


@pytest.mark.parametrize("name", BAD)
def test_bad(name: str) -> None:
    text = (HERE / name).read_text()
    expected = [line.removeprefix(EXPECT) for line in text.splitlines() if line.startswith(EXPECT)]
    with pytest.raises(Mistakes) as caught:
        parse_config(text, "flow.yaml")
    found = [str(mistake).removeprefix("flow.yaml:").lstrip() for mistake in caught.value.mistakes]
    assert found == expected


@pytest.mark.parametrize("name", BAD)
def test_the_message_has_a_line_for_each_mistake(name: str) -> None:
    with pytest.raises(Mistakes) as caught:
        load_config(HERE / name)
    lines = str(caught.value).splitlines()
    mistakes = [str(mistake) for mistake in caught.value.mistakes]
    assert all(line.startswith(str(HERE / name)) for line in lines)
    assert lines == (mistakes if len(mistakes) == 1 else [f"{HERE / name} has {len(mistakes)} mistakes:", *mistakes])
