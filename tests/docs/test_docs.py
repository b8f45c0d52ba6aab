"""The documents say what the code does: tables, links, commands, options, metrics, labels, reasons."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from pathlib import Path

import click
import pytest
from prometheus_client.parser import text_string_to_metric_families

from stream.cli.dead_letters import HEADERS
from stream.cli.main import cli
from stream.config.loading import load_config
from stream.events.rejection import Reason
from stream.gauges.catalogue import CATALOGUE, Metric
from stream.worker.readiness import REASONS
from tests.docs.documents import (
    DOCUMENTS,
    TROUBLESHOOTING,
    anchors,
    blocks,
    first_column,
    headings,
    links,
    shell_lines,
    text,
)
from tests.docs.generate import GENERATED, METRICS, PARTS, README, REPOSITORY, commands, generated

BY_NAME = {metric.name: metric for metric in CATALOGUE}
LABELS = {label for metric in CATALOGUE for label in metric.labels}
SUFFIXES = ("_bucket", "_gcount", "_gsum", "_sum", "_count")
FLOW_NAME = re.compile(r"\bflow_[a-z_]+[a-z]\b")
# Labels and headers begin like a metric, and `flow_time` is a target's metric.
OTHER_NAMES = LABELS | HEADERS | {"flow_time"}

ASSIGNMENT = re.compile(r"[A-Z_]+=")
OTHER_PROGRAMS = {
    "alertmanager", "cd", "cp", "curl", "docker", "echo", "export", "for", "mkdir", "pip", "prometheus", "python",
    "sed",
}  # fmt: skip

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


def test_the_generated_parts_are_those_of_the_code() -> None:
    parts = [part for document in GENERATED for part in re.findall(r"<!-- generated: (\w+) -->", text(document))]
    assert sorted(parts) == sorted(PARTS)
    for document in GENERATED:
        assert generated(text(document)) == text(document), "run: python -m tests.docs.generate"


@each_document
def test_links_lead_somewhere(document: Path) -> None:
    dead = [link for link in links(document) if not _leads_somewhere(document, link)]
    assert dead == []


def _leads_somewhere(document: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = document.parent / path if path else document
    return target.exists() and (not anchor or anchor in anchors(target))


# These name code by its path: from the root, in `stream/`, or in `tests/`.
MAPS = [
    path for path in DOCUMENTS if path.name in {"ARCHITECTURE.md", "performance.md"} or path.parent.name == "decisions"
]


@pytest.mark.parametrize("document", MAPS, ids=lambda path: path.name)
def test_code_named_by_its_path_is_there(document: Path) -> None:
    named = set(re.findall(r"`((?:[a-z0-9_]+/)+(?:[a-z0-9_]+\.py)?)`", text(document)))
    folders = (REPOSITORY, REPOSITORY / "stream", REPOSITORY / "tests")
    assert {path for path in named if not any((folder / path).exists() for folder in folders)} == set()


@each_document
def test_commands_can_be_typed(document: Path) -> None:
    for line in shell_lines(document):
        words = [word for word in shlex.split(line, comments=True) if not ASSIGNMENT.match(word)]
        if not words:
            continue
        if words[0] == "flowgauge":
            _parse(words[1:])
        elif words[0] == "make":
            assert words[1] in _make_targets(), line
        else:
            assert words[0] in OTHER_PROGRAMS, line


def _parse(words: list[str]) -> None:
    """Let click read the words without running the command; it raises UsageError for what is not there."""
    command: click.Command = cli
    context = cli.make_context("flowgauge", list(words))
    while isinstance(command, click.Group):
        rest = [*context._protected_args, *context.args]
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None
        command, context = found, found.make_context(name, rest, parent=context)


def test_a_command_that_is_not_there_is_found_out() -> None:
    for words in (["gateways"], ["topics", "drop"], ["replay", "log.csv", "--when", "now"], ["check-config"]):
        with pytest.raises(click.UsageError):
            _parse(words)


def _make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text("utf-8"), re.MULTILINE))


@each_document
def test_commands_named_in_the_text_are_there(document: Path) -> None:
    known = {path for path, _, _ in commands()}
    known |= {path.rsplit(" ", 1)[0] for path in known}
    named = set(re.findall(r"`(flowgauge(?: [a-z][a-z-]+){1,2})", text(document)))
    assert {name for name in named if name not in known} == set()
    targets = set(re.findall(r"`make ([a-z-]+)`", text(document)))
    assert targets <= _make_targets()


@each_document
def test_metrics_named_are_in_the_catalogue(document: Path) -> None:
    # Topics end in a dot after `flow`, so they are no such names.
    unknown = {name for name in FLOW_NAME.findall(text(document)) if _metric(name) is None}
    assert unknown - OTHER_NAMES == set()


def _metric(name: str) -> Metric | None:
    bases = [name, *(name.removesuffix(suffix) for suffix in SUFFIXES)]
    return next((BY_NAME[base] for base in bases if base in BY_NAME), None)


def test_every_metric_is_defined_with_an_example() -> None:
    defined = [heading for heading in headings(METRICS) if heading.startswith("flow_")]
    assert sorted(defined) == sorted(BY_NAME)
    sections = text(METRICS).split("\n### `")[1:]
    assert len(sections) == len(CATALOGUE)
    for section in sections:
        name = section.split("`", 1)[0]
        examples = re.findall(r"```promql\n(.*?)```", section, re.DOTALL)
        assert any(name in example for example in examples), name


def test_promql_names_labels_that_the_metrics_have() -> None:
    for query in blocks(METRICS, "promql"):
        named = [metric for name in FLOW_NAME.findall(query) if (metric := _metric(name))]
        selected = re.findall(r"(\w+)=~?\"", query)
        grouped = [label for group in re.findall(r"by \(([^)]+)\)", query) for label in group.split(", ")]
        assert named, query
        for metric in named:
            assert set(selected) | set(grouped) <= {*metric.labels, "le"}, query
        # A level is never summed, and rate() is for counters and ordinary histograms.
        if re.search(r"\b(sum|avg)\b", query):
            assert all("level" not in metric.labels for metric in named), query
        if re.search(r"\b(rate|increase)\(", query):
            assert {metric.type for metric in named} <= {"counter", "histogram"}, query


def test_the_excerpt_has_the_labels_of_the_catalogue() -> None:
    excerpt = next(block for block in blocks(README, "text") if block.startswith("flow_"))
    samples = [sample for family in text_string_to_metric_families(excerpt) for sample in family.samples]
    assert len(samples) == len(excerpt.splitlines())
    for sample in samples:
        assert set(sample.labels) == set(BY_NAME[sample.name].labels), sample.name


@pytest.mark.parametrize(
    ("document", "heading", "reasons"),
    [
        (TROUBLESHOOTING, "`/ready` says no", REASONS),
        (REPOSITORY / "docs" / "runbooks" / "FlowEngineNotReady.md", "Diagnosis", REASONS),
        (TROUBLESHOOTING, "Dead letters", [str(reason) for reason in Reason]),
    ],
    ids=["ready", "runbook", "dead letters"],
)
def test_every_reason_has_its_fix(document: Path, heading: str, reasons: Iterable[str]) -> None:
    assert sorted(first_column(heading, document)) == sorted(reasons)


def test_the_number_of_alerts_is_that_of_the_rules() -> None:
    rules = [path.read_text("utf-8") for path in (REPOSITORY / "deploy" / "prometheus" / "rules").glob("*.yml")]
    alerts = sum(len(re.findall(r"\balert: ", rule)) for rule in rules)
    for document in (README, REPOSITORY / "CHANGELOG.md"):
        assert re.findall(r"(\d+) alerts", text(document)) == [str(alerts)]


def test_the_index_names_every_document() -> None:
    index = REPOSITORY / "docs" / "README.md"
    named = {(index.parent / link.partition("#")[0]).resolve() for link in links(index)}
    pages = {page.resolve() for page in index.parent.glob("*.md")}
    assert pages - named == {index.resolve()}


def test_the_configuration_that_the_readme_leads_to_is_valid() -> None:
    load_config(REPOSITORY / "deploy" / "flow.yaml")
