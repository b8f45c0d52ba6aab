"""`flowgauge topics`: lists the topics, compares them with Kafka's, creates them, changes their partitions."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from stream.errors import KafkaError
from stream.kafka.admin import Difference, apply_topics, plan
from stream.kafka.topics import topics
from stream.settings import MAX_PARTITIONS, Settings

INTERRUPTED = 130
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
EMBEDDED = "The embedded broker creates its topics by itself: there is nothing to declare."


@click.group(name="topics")
@click.option("--brokers", metavar="HOST:PORT,...", help="Kafka's addresses; else FLOW_KAFKA_BROKERS.")
@click.pass_context
def command(ctx: click.Context, brokers: str | None) -> None:
    """Show, compare, create or repartition the topics in Kafka."""
    ctx.obj = Settings.from_env(os.environ | ({"FLOW_KAFKA_BROKERS": brokers} if brokers else {}))


@command.command(name="list")
@JSON
@click.pass_obj
def list_topics(settings: Settings, as_json: bool) -> None:
    """Show the topics that flowgauge needs, without asking Kafka."""
    declared = topics(settings)
    if as_json:
        _print_json([asdict(topic) for topic in declared])
        return
    table = Table("topic", "partitions", "key", "purpose", "configuration", show_lines=True)
    for topic in declared:
        config = "\n".join(f"{key}={value}" for key, value in topic.config.items())
        table.add_row(topic.name, str(topic.partitions), topic.key, topic.purpose, config)
    _console().print(table, markup=False)


@command.command()
@JSON
@click.pass_obj
def diff(settings: Settings, as_json: bool) -> None:
    """Show where Kafka's topics differ, and change nothing; the exit status is 1 if any differs."""
    found = plan(settings)
    if as_json:
        _print_json([asdict(one) for one in found])
    elif settings.embedded:
        click.echo(EMBEDDED)
    else:
        _print_differences(found, len(topics(settings)))
    if found:
        sys.exit(1)


@command.command()
@JSON
@click.pass_obj
def apply(settings: Settings, as_json: bool) -> None:
    """Create missing topics and correct their configuration.

    If a number of partitions differs, it changes nothing and fails.
    """
    created, altered = apply_topics(settings)
    if as_json:
        _print_json({"created": created, "set": [f"{one.topic} {one.what}={one.declared}" for one in altered]})
    elif settings.embedded:
        click.echo(EMBEDDED)
    else:
        for name in created:
            click.echo(f"created {name}")
        for one in altered:
            click.echo(f"set {one.what}={one.declared} of {one.topic}, which was {one.actual}")
        click.echo(f"{len(topics(settings))} topics are as they must be")


@command.command()
@click.option(
    "--to",
    "partitions",
    metavar="N",
    type=click.IntRange(1, MAX_PARTITIONS),
    help="How many partitions; else FLOW_EVENTS_PARTITIONS.",
)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@JSON
@click.pass_obj
def repartition(settings: Settings, partitions: int | None, yes: bool, as_json: bool) -> None:
    """Move events, histories and offsets to another number of partitions, while no worker runs.

    With the same number, it moves items that are not in the partition of their key. If it is interrupted, run it
    again to continue. No worker starts before it is finished.
    """
    from stream.cli.repartition import describe, report, show_progress
    from stream.kafka.admin import kafka_admin
    from stream.kafka.manage import Topics
    from stream.kafka.prepare import prepare
    from stream.kafka.repartition import AGAIN, Repartition

    prepared = prepare(settings, partitions)
    if prepared.nothing_to_do:
        with kafka_admin(settings) as admin:
            prepared.journal.end(Topics(admin))
        report(settings, prepared, as_json=as_json)
        return
    if not yes:
        click.confirm(f"{describe(prepared)} Go on?", abort=True, err=True)
    try:
        with show_progress() as show:
            Repartition(settings, prepared, show).run()
    except KeyboardInterrupt:
        click.echo(f"flowgauge: the repartition was interrupted, and no worker starts now. {AGAIN}", err=True)
        sys.exit(INTERRUPTED)
    except KafkaError as error:
        raise KafkaError(str(error) if AGAIN in str(error) else f"{error}. {AGAIN}") from error
    report(settings, prepared, as_json=as_json)


def _print_differences(found: list[Difference], declared: int) -> None:
    for one in found:
        click.echo(str(one))
    if not found:
        click.echo(f"{declared} topics are as they must be")


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def _console() -> Console:
    # A pipe has no width. At the default of 80 columns the table would be cut.
    return Console() if sys.stdout.isatty() else Console(width=240)
