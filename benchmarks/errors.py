"""The error that ends a benchmark."""

from __future__ import annotations


class BenchmarkError(RuntimeError):
    """A contestant failed, took too long or counted something else, so its figures would be worthless."""
