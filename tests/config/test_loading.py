"""Reading the file: what cannot be read, limits, and that no text whatever ends in a traceback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.config import document, loading
from stream.config.loading import load_config, parse_config
from stream.config.mistake import Mistake, Mistakes
from stream.config.model import MAX_TEAMS
from stream.errors import ConfigError

HERE = Path(__file__).parent
REFERENCE = HERE.parents[1] / "deploy" / "flow.yaml"
MINIMAL = (HERE / "minimal.good.yaml").read_text()


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "flow.yaml")
    return str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "flow.yaml"
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    reason = "cannot be read: No such file or directory: give the path of a readable configuration"
    assert str(caught.value) == f"{path}: {reason}"


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_config(tmp_path)


def test_not_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "flow.yaml"
    path.write_bytes(b"version: 1\ntime_zone: \xff\n")
    with pytest.raises(ConfigError) as caught:
        load_config(str(path))
    assert str(caught.value) == f"{path}:2: is not UTF-8 here: save the file as UTF-8"


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "flow.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + MINIMAL.encode())
    assert load_config(path) == parse_config(MINIMAL, "flow.yaml")


def test_a_file_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "flow.yaml"
    path.write_text(MINIMAL)
    monkeypatch.setattr(loading, "MAX_BYTES", len(MINIMAL))
    assert load_config(path).version == 1
    monkeypatch.setattr(loading, "MAX_BYTES", len(MINIMAL) - 1)
    with pytest.raises(ConfigError, match=r"flow.yaml: is larger than \d+ bytes: make it smaller"):
        load_config(path)


def test_aliases_that_unfold_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_VALUES", 1000)
    folds = "\n".join(f"  - &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12))
    text = f"{MINIMAL}targets:\n  - &a0 [x]\n{folds}\n"
    assert refusal(text).endswith("has more than 1000 values: make the file smaller")


def test_an_alias_within_itself() -> None:
    assert refusal("&a [*a]") == "flow.yaml: is nested too deeply: write it like the reference flow.yaml"


def test_a_number_of_thousands_of_digits() -> None:
    assert "is not a valid int, but YAML reads it as one" in refusal(MINIMAL + "retention: 1" + "0" * 5000)


def test_a_time_zone_that_is_a_folder_of_zones() -> None:
    assert 'flow.yaml:11: time_zone: "Europe" is not a known time zone' in refusal(MINIMAL + "time_zone: Europe")


def test_the_largest_organisation(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_TEAMS == 10_000
    monkeypatch.setattr("stream.config.organisation.MAX_TEAMS", 2)
    two = MINIMAL.replace("- team: Cards", "- team: Cards\n          - team: Wallets")
    assert len(parse_config(two, "flow.yaml").organisation[0].arts[0].teams) == 2
    three = two.replace("- team: Cards", "- team: Cards\n          - team: Basket")
    assert refusal(three) == "flow.yaml:2: organisation: has 3 teams: give at most 2"


def test_500_states_are_not_too_many() -> None:
    states = ", ".join(f"S{n}" for n in range(499))
    config = parse_config(MINIMAL.replace("[Doing]", f"[{states}]"), "flow.yaml")
    assert len(config.workflows[0].states.active) == 499


def test_one_mistake_is_the_whole_message() -> None:
    expected = "flow.yaml:7: organisation[0].arts[0].teams[0].load_limit: -3 is not a limit: "
    text = MINIMAL.replace("- team: Cards", "- {team: Cards, load_limit: -3}")
    assert refusal(text) == expected + "give a whole number of items, 1 or more"


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.dates(),
    st.datetimes(),
    st.binary(max_size=3),
    st.text(max_size=5),
    st.sampled_from(
        ["7d", "400d", "Cards", "Checkout", "Payments", "flow_time", "load", "team", "other", "unassigned"]
    ),
    st.lists(st.one_of(st.none(), st.integers(), st.text(max_size=3)), max_size=3),
    st.dictionaries(st.text(max_size=3), st.one_of(st.integers(), st.text(max_size=3)), max_size=3),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, child in entries for place in places(child, (*path, key)))]


@settings(deadline=None)
@given(st.data())
def test_any_value_anywhere_is_read_or_named(data: st.DataObject) -> None:
    content = {"root": yaml.safe_load(REFERENCE.read_text())}
    for _ in range(data.draw(st.integers(1, 4))):
        *way, last = data.draw(st.sampled_from(places(content)[1:]))
        holder: Any = content
        for key in way:
            holder = holder[key]
        holder[last] = data.draw(JUNK)
    check_outcome(yaml.safe_dump(content["root"], allow_unicode=True))


@settings(deadline=None)
@given(st.text())
def test_any_text_is_read_or_named(text: str) -> None:
    check_outcome(text)


@settings(deadline=None)
@given(st.text(alphabet="[]{}:,-&*!|>?'\"# \nab1.<", max_size=30))
def test_any_yaml_is_read_or_named(text: str) -> None:
    check_outcome(text)


def check_outcome(text: str) -> None:
    for mistake in mistakes_of(text):
        assert mistake.message.strip()
        assert str(mistake).isprintable()
        assert mistake.line is None or 1 <= mistake.line <= len(text) + 1


def mistakes_of(text: str) -> tuple[Mistake, ...]:
    try:
        config = parse_config(text, "flow.yaml")
    except Mistakes as error:
        return error.mistakes
    assert len(config.fingerprint) == 16
    return ()
