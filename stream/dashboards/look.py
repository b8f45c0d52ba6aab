"""How panels look: one constructor for each kind, so that colours, legends and instants are the same everywhere.

Current values are instant queries, so a stopped worker shows as no data, never as its last number.
"""

from __future__ import annotations

from math import inf, nextafter
from typing import Any

from grafana_foundation_sdk.builders import barchart, bargauge, common, heatmap, prometheus, stat, table, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard, units
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode, HeatmapColorScale
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

Query = prometheus.Dataquery
Thresholds = build.ThresholdsConfig

ITEMS = units.Short
RATIO = units.PercentUnit
SECONDS = units.Seconds
INSTANT = units.DatetimeISONotToday
AGO = units.DateTimeFromNow


def now(expr: str, legend: str = "") -> Query:
    """Ask for the value at this moment."""
    return prometheus.Dataquery().expr(expr).instant().legend_format(legend)


def trend(expr: str, legend: str = "") -> Query:
    """Ask for the values over the dashboard's time range."""
    return prometheus.Dataquery().expr(expr).range().legend_format(legend)


def cells(expr: str) -> Query:
    """Ask for the values at this moment as rows of a table, a column for each label."""
    return prometheus.Dataquery().expr(expr).instant().format(PromQueryFormat.TABLE)


def steps(base: str, *above: tuple[float, str]) -> Thresholds:
    """Colour by value: `base`, then each colour from its value on."""
    thresholds = [dashboard.Threshold(None, base), *(dashboard.Threshold(value, color) for value, color in above)]
    return build.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(thresholds)


def plain() -> Thresholds:
    """Use one colour for every value."""
    return steps("blue")


def above(bound: float) -> float:
    """Give the smallest number above `bound`: Grafana already shows a colour at its own number."""
    return nextafter(bound, inf)


def of_limit() -> Thresholds:
    """Colour load / limit: amber from 80 %, red above the limit. A load equal to the limit is not over it."""
    return steps("green", (0.8, "orange"), (above(1.0), "red"))


def none_is_good() -> Thresholds:
    """Colour a count that should be 0."""
    return steps("green", (1, "red"))


def kept_promises() -> Thresholds:
    """Colour predictability as SAFe reads it: 80 % and more is reliable."""
    return steps("red", (0.8, "green"))


def tiles(title: str, description: str, unit: str, *queries: Query) -> stat.Panel:
    """Show one to six current numbers, large."""
    return (
        stat.Panel()
        .title(title)
        .description(description)
        .unit(unit)
        .targets(list(queries))
        .thresholds(plain())
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .graph_mode(options.BigValueGraphMode.NONE)
        .color_mode(options.BigValueColorMode.VALUE)
        .text_mode(options.BigValueTextMode.VALUE_AND_NAME if len(queries) > 1 else options.BigValueTextMode.AUTO)
    )


def bars(title: str, description: str, unit: str, *queries: Query) -> bargauge.Panel:
    """Show current numbers as bars, side by side."""
    return (
        bargauge.Panel()
        .title(title)
        .description(description)
        .unit(unit)
        .targets(list(queries))
        .thresholds(plain())
        .min(0)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .orientation(options.VizOrientation.HORIZONTAL)
        .display_mode(options.BarGaugeDisplayMode.BASIC)
        .value_mode(options.BarGaugeValueMode.TEXT)
    )


def lines(title: str, description: str, unit: str, *queries: Query) -> timeseries.Panel:
    """Show numbers over time as lines; a name has the same colour on every panel."""
    return (
        timeseries.Panel()
        .title(title)
        .description(description)
        .unit(unit)
        .targets(list(queries))
        .min(0)
        .line_width(2)
        .show_points(options.VisibilityMode.NEVER)
        .color_scheme(build.FieldColor().mode(dashboard.FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
        .legend(common.VizLegendOptions().show_legend(show_legend=True).placement(options.LegendPlacement.BOTTOM))
        .tooltip(common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI))
    )


def stacked(title: str, description: str, unit: str, *queries: Query) -> timeseries.Panel:
    """Show parts of a whole over time, one on the other."""
    stacking = common.StackingConfig().mode(options.StackingMode.NORMAL)
    return lines(title, description, unit, *queries).stacking(stacking).fill_opacity(60).line_width(1)


def dashed(panel: timeseries.Panel, names: str) -> timeseries.Panel:
    """Draw the lines whose names match dashed, in red, and out of any stack: a limit or a bound."""
    return panel.override_by_regexp(
        names,
        [
            _set("color", {"mode": "fixed", "fixedColor": "red"}),
            _set("custom.lineStyle", {"fill": "dash", "dash": [10, 10]}),
            _set("custom.stacking", {"mode": "none"}),
            _set("custom.fillOpacity", 0),
        ],
    )


def heat(title: str, description: str, unit: str, expr: str) -> heatmap.Panel:
    """Show a histogram over time; `expr` gives its buckets by `le`."""
    color = heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Blues").steps(32)
    return (
        heatmap.Panel()
        .title(title)
        .description(description)
        .unit(unit)
        .with_target(trend(expr, "{{le}}").format(PromQueryFormat.HEATMAP))
        .calculate(calculate=False)
        .color(color.scale(HeatmapColorScale.EXPONENTIAL).exponent(0.5))
        .y_axis(heatmap.YAxisConfig().unit(unit))
        .cell_gap(1)
        .tooltip(heatmap.HeatmapTooltip().mode(options.TooltipDisplayMode.SINGLE).y_histogram(y_histogram=True))
    )


def rows(title: str, description: str, unit: str, *queries: Query) -> table.Panel:
    """Show current numbers as a table; several queries are joined by their common labels."""
    panel = table.Panel().title(title).description(description).unit(unit).targets(list(queries))
    panel.mappings([dashboard.SpecialValueMap(options=_dash())])
    return panel.with_transformation(transformed("merge"))


def _dash() -> dashboard.DashboardSpecialValueMapOptions:
    dash = dashboard.ValueMappingResult(text="-", index=0)
    return dashboard.DashboardSpecialValueMapOptions(match=dashboard.SpecialValueMatch.NULL_AND_NAN, result=dash)


def matrix(panel: table.Panel | barchart.Panel, row: str, column: str) -> None:
    """Give a panel of one `cells` query a row for each value of a label, and a column for each of another."""
    pivot = {"rowField": row, "columnField": column, "valueField": "Value", "emptyValue": "null"}
    panel.with_transformation(transformed("groupingToMatrix", pivot))
    panel.with_transformation(transformed("organize", {"renameByName": {f"{row}\\{column}": row.replace("_", " ")}}))


def transformed(name: str, settings: dict[str, Any] | None = None) -> dashboard.DataTransformerConfig:
    """Name a transformation with its settings."""
    return dashboard.DataTransformerConfig(id_val=name, options=settings or {})


def columns(panel: table.Panel, names: dict[str, str]) -> table.Panel:
    """Show these columns in this order, under their new names, and leave out the time."""
    settings = {
        "excludeByName": {"Time": True},
        "indexByName": {name: place for place, name in enumerate(names)},
        "renameByName": names,
    }
    return panel.with_transformation(transformed("organize", settings))


def met_or_missed() -> list[dashboard.ValueMapping]:
    """Say `met` and `missed` instead of 1 and 0."""
    met = dashboard.ValueMappingResult(text="met", color="green", index=0)
    missed = dashboard.ValueMappingResult(text="missed", color="red", index=1)
    return [dashboard.ValueMap(options={"1": met, "0": missed})]


def as_verdict(panel: table.Panel, column: str) -> table.Panel:
    """Colour a column of 1 and 0 as met and missed."""
    background = _set("custom.cellOptions", {"type": "color-background", "mode": "basic"})
    return panel.override_by_name(column, [_set("mappings", met_or_missed()), background, _set("unit", "none")])


def as_ago(panel: table.Panel, column: str) -> table.Panel:
    """Show a column of instants (milliseconds) as how long ago they were."""
    return panel.override_by_name(column, [_set("unit", AGO)])


def colored_cells(panel: table.Panel) -> table.Panel:
    """Colour each number by its size within its own column."""
    return (
        panel.color_scheme(build.FieldColor().mode(dashboard.FieldColorModeId.CONTINUOUS_GR_YL_RD))
        .field_min_max(field_min_max=True)
        .cell_options(options.TableColoredBackgroundCellOptions(mode=options.TableCellBackgroundDisplayMode.GRADIENT))
    )


def quietly(panel: stat.Panel, name: str) -> stat.Panel:
    """Show one of several numbers in the text colour: it is neither good nor bad."""
    return panel.override_by_name(name, [_set("color", {"mode": "fixed", "fixedColor": "text"})])


def special(panel: stat.Panel, name: str, unit: str, thresholds: Thresholds | None = None) -> stat.Panel:
    """Give one of several numbers its own unit and colours."""
    properties = [_set("unit", unit)]
    if thresholds is not None:
        properties.append(_set("thresholds", thresholds.build()))
    return panel.override_by_name(name, properties)


def _set(name: str, value: Any) -> dashboard.DynamicConfigValue:
    return dashboard.DynamicConfigValue(id_val=name, value=value)
