"""What is accepted as a number is the number that its digits show."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stream.config.loading import parse_config
from stream.config.mistake import Mistakes

MINIMAL = (Path(__file__).parent / "minimal.good.yaml").read_text()
TARGET = "targets: [{name: load, level: portfolio, metric: load, at_most: %s}]\n"
WRITTEN = st.text(alphabet="0123456789_.:+-xboEe", min_size=1, max_size=6)


def accepted(written: str) -> object:
    try:
        return parse_config(MINIMAL + TARGET % written, "flow.yaml").targets[0].at_most
    except Mistakes:
        return None


@settings(deadline=None, max_examples=300)
@given(WRITTEN | WRITTEN.map("0{}".format))
@example("010")
@example("1:30")
@example("1:30.5")
@example("1_0")
@example("0x1e")
@example("0b11")
def test_a_number_is_what_its_digits_show_or_refused(written: str) -> None:
    value = accepted(written)
    assert value is None or (re.fullmatch(r"[-+0-9.eE]+", written) and value == float(written))


@given(st.integers(0, 10**9) | st.floats(0, 1e9).map(lambda value: f"{value:.3f}"))
def test_plain_decimal_numbers_are_accepted(number: int | str) -> None:
    assert accepted(str(number)) == float(number)


@pytest.mark.parametrize("value", ["E ", " E", "E\\u3000", "E\\ufeff"])
def test_values_of_rules_are_the_trackers_words_and_kept_as_they_are(value: str) -> None:
    text = MINIMAL.replace("- team: Cards", f'- {{team: Cards, owns: [{{team: "{value}"}}]}}')
    (rule,) = parse_config(text, "flow.yaml").organisation[0].arts[0].teams[0].owns
    assert rule == {"team": value.encode().decode("unicode_escape")}
