"""Checks of numbers: YAML must read each as a person does, in decimal."""

from __future__ import annotations

import re
from math import isfinite

from stream.config.document import Document

DECIMAL = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
DIGITS = re.compile(r"[-+]?[0-9]+")


def check(document: Document) -> None:
    """Note each number that YAML 1.1 does not read in decimal."""
    for path, value in document.numbers.items():
        written = document.written(path)
        if isfinite(value) and not is_decimal(written, value):
            message = f"{document.shown(path, value)} is {value} to YAML, which {_reading(written)}: write {value}"
            document.complain(path, message + _otherwise(written), value)


def is_decimal(written: str, value: float) -> bool:
    """Tell whether a text is a number in decimal digits, with the value that YAML gave it."""
    return DECIMAL.fullmatch(written) is not None and type(value)(written) == value


def _reading(written: str) -> str:
    digits = written.lstrip("+-")
    if ":" in digits:
        return "reads : as base 60"
    if digits.startswith("0x"):
        return "reads 0x as hexadecimal"
    if digits.startswith("0b"):
        return "reads 0b as binary"
    if digits.startswith("0") and "." not in digits:
        return "reads a leading 0 as octal"
    return "leaves out _"


def _otherwise(written: str) -> str:
    digits = written.replace("_", "")
    return f" or {int(digits)}" if DIGITS.fullmatch(digits) and digits.lstrip("+-").startswith("0") else ""
