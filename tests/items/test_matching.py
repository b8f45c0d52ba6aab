"""Rules of `owns` and `applies_to` against attributes."""

from __future__ import annotations

from typing import Any

import pytest

from stream.items.matching import as_text, fingerprint_of, matches


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("7", "7"),
        (" 7", " 7"),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (7.0, "7"),
        (-0.0, "0"),
        (1.5, "1.5"),
        (2**60, "1152921504606846976"),
    ],
)
def test_scalars_are_compared_as_the_text_that_yaml_would_show(value: object, text: str) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize(
    ("rule", "attributes", "expected"),
    [
        ({}, {}, True),
        ({"project": "PAY"}, {"project": "PAY"}, True),
        ({"project": "PAY"}, {"project": "pay"}, False),
        ({"project": "PAY"}, {}, False),
        ({"project": "PAY"}, {"project": None}, False),
        ({"project": "None"}, {"project": None}, False),
        ({"project": ("PAY", "BILL")}, {"project": "BILL"}, True),
        ({"project": ("PAY", "BILL")}, {"project": "LOAN"}, False),
        ({"labels": "a"}, {"labels": ["b", "a"]}, True),
        ({"labels": ("a", "c")}, {"labels": ["b", "c"]}, True),
        ({"labels": "a"}, {"labels": []}, False),
        ({"labels": "a"}, {"labels": "a"}, True),
        ({"labels": "a"}, {"labels": "abc"}, False),
        ({"points": "8"}, {"points": 8.0}, True),
        ({"urgent": "true"}, {"urgent": True}, True),
        ({"project": "PAY", "component": "cards"}, {"project": "PAY", "component": "wallets"}, False),
        ({"project": "PAY", "component": "cards"}, {"project": "PAY", "component": "cards", "x": 1}, True),
    ],
)
def test_a_rule_holds_where_all_its_fields_do(rule: Any, attributes: dict[str, Any], expected: bool) -> None:
    assert matches(rule, attributes) is expected


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, 1.0), (1, "1"), (True, "true"), ([1, "a"], ("1", "a")), (None, None), ({"a": 1}, {"a": 1})],
)
def test_values_that_no_rule_can_distinguish_have_one_fingerprint(one: object, other: object) -> None:
    assert fingerprint_of(one) == fingerprint_of(other)
    assert hash(fingerprint_of(one)) == hash(fingerprint_of(other))


@pytest.mark.parametrize(("one", "other"), [(1, 2), (None, "None"), (["a"], ["b"]), (["a", "b"], "a"), ("", None)])
def test_values_that_a_rule_can_distinguish_have_two_fingerprints(one: object, other: object) -> None:
    assert fingerprint_of(one) != fingerprint_of(other)
