"""Sums of points: what is added one by one, many at once, and from another sum."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stream.flow.estimates import Estimates

ITEMS = st.lists(st.tuples(st.sampled_from(["feature", "defect"]), st.sampled_from([None, 0, 1, 500_000, 3_000_000])))
Items = list[tuple[str, int | None]]


def both(estimates: Estimates) -> tuple[dict[str, int], dict[str, int]]:
    return dict(estimates.points), dict(estimates.unestimated)


@given(ITEMS, ITEMS, ITEMS)
def test_points_add_up_in_any_order_and_what_is_removed_leaves_nothing(kept: Items, gone: Items, more: Items) -> None:
    one_by_one, merged, other = Estimates(), Estimates(), Estimates()
    for item_type, points in [*gone, *kept, *more]:
        one_by_one.count(item_type, points, 1)
    for item_type, points in reversed(gone):
        one_by_one.count(item_type, points, -1)
    merged.extend(kept)
    other.extend(more)
    merged.merge(other)
    assert both(one_by_one) == both(merged)
    items = [*kept, *more]
    kinds = {item_type for item_type, _ in items}
    points = {kind: sum(points or 0 for item_type, points in items if item_type == kind) for kind in kinds}
    unestimated = {kind: sum(points is None for item_type, points in items if item_type == kind) for kind in kinds}
    assert both(merged) == (
        {kind: count for kind, count in points.items() if count},
        {kind: count for kind, count in unestimated.items() if count},
    )
