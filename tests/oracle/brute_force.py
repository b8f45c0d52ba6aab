"""What tests take from the oracle.

An item's life is replayed in `lives`, by the rules in `rules`; `nodes` and `series` count lives.
"""

from __future__ import annotations

from tests.oracle.comparison import compare, compare_numbers
from tests.oracle.log import events_from_log
from tests.oracle.nodes import numbers
from tests.oracle.series import gauges, parse_metrics

__all__ = ["compare", "compare_numbers", "events_from_log", "gauges", "numbers", "parse_metrics"]
