"""The door to Faust: no other module uses it, its page lists all that we rely on, and an upgrade is noticed."""

from __future__ import annotations

import ast
import hashlib
import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
EDGE = ROOT / "stream" / "faust_edge"
PAGE = (EDGE / "README.md").read_text()
PACKAGES = frozenset({"faust", "mode"})
CLIENTS = PACKAGES | {"aiokafka"}
# Digests of the code that we override or that our overrides rely on. When an upgrade changes one, compare the change
# with the page's row, then write the new digest here.
RELIED_ON = {
    "faust.app.base:BootStrategy.server": "4182c456",
    "faust.app.base:BootStrategy.web_server": "439e0597",
    "faust.app.base:App._new_transport": "29108464",
    "faust.app.base:App._new_consumer": "309c2eb9",
    "faust.app.base:App._create_directories": "f3001ee6",
    "faust.app.base:App.on_stop": "5c3635ae",
    "faust.app.base:App._on_partitions_revoked": "f21b5112",
    "faust.app.base:App._on_partitions_assigned": "56eb5bd7",
    "faust.transport.consumer:Consumer.getmany": "75337a29",
    "faust.transport.consumer:Consumer._drain_messages": "c25c498f",
    "faust.transport.consumer:Consumer._wait_next_records": "881cccf8",
    "faust.transport.consumer:Consumer._get_active_partitions": "e44a7e35",
    "faust.transport.consumer:Consumer.ack": "d37f1b8a",
    "faust.transport.consumer:Consumer.force_commit": "d9335d69",
    "faust.transport.consumer:Consumer.on_partitions_revoked": "95764d59",
    "faust.transport.consumer:Consumer.on_partitions_assigned": "d0475b2e",
    "faust.transport.consumer:Consumer.perform_seek": "175fdda3",
    "faust.transport.consumer:ThreadDelegateConsumer.seek_to_committed": "98adb9bb",
    "faust.transport.consumer:ThreadDelegateConsumer.seek_wait": "30393d2f",
    "faust.transport.drivers.aiokafka:Consumer._new_consumer_thread": "fc3fb245",
    "faust.transport.drivers.aiokafka:AIOKafkaConsumerThread.on_start": "867ce6c5",
    "faust.transport.drivers.aiokafka:AIOKafkaConsumerThread._create_worker_consumer": "89e6d171",
    "faust.transport.drivers.aiokafka:AIOKafkaConsumerThread.getmany": "d2fe3d4f",
    "faust.transport.drivers.aiokafka:AIOKafkaConsumerThread._highwaters": "6464ff70",
    "faust.transport.drivers.aiokafka:AIOKafkaConsumerThread._fetch_records": "b26e1965",
    "faust.transport.drivers.aiokafka:AIOKafkaConsumerThread._seek_wait": "eca819cd",
    "faust.transport.drivers.aiokafka:AIOKafkaConsumerThread.verify_event_path": "9a6d7261",
    "faust.tables.base:Collection._new_store": "63009b94",
    "faust.tables.manager:TableManager.on_start": "894edbc5",
    "faust.tables.manager:TableManager._update_channels": "e502083a",
    "faust.tables.recovery:Recovery.on_recovery_completed": "7a3c5b78",
    "faust.stores.base:Store.on_rebalance": "12b564eb",
    "faust.stores.base:Store.on_recovery_completed": "65f2ec69",
    "faust.worker:Worker.on_setup_root_logger": "86681147",
    "mode.worker:Worker.install_signal_handlers": "435940c1",
    "mode.worker:Worker._schedule_shutdown": "d72ee1e3",
    "aiokafka.consumer.consumer:AIOKafkaConsumer.seek_to_committed": "05db62e5",
    "aiokafka.consumer.fetcher:Fetcher._proc_fetch_request": "ad1f3453",
    "aiokafka.consumer.fetcher:Fetcher.fetched_records": "88933bf1",
    "aiokafka.consumer.fetcher:FetchResult.getall": "0f1c9ead",
    "aiokafka.consumer.fetcher:FetchResult._update_position": "35d93347",
    "aiokafka.consumer.fetcher:PartitionRecords._unpack_records": "bd591e99",
    "aiokafka.consumer.fetcher:PartitionRecords._consume_aborted_up_to": "21810266",
    "aiokafka.consumer.fetcher:PartitionRecords._contains_abort_marker": "5a7d4e77",
    "faust.tables.recovery:Recovery._restart_recovery": "31610e92",
    "faust.tables.recovery:Recovery._slurp_changelogs": "53f14ba7",
}


@pytest.mark.parametrize("name", sorted(RELIED_ON))
def test_the_code_that_we_rely_on_is_unchanged(name: str) -> None:
    source = inspect.getsource(_found(name))
    assert hashlib.blake2b(source.encode(), digest_size=4).hexdigest() == RELIED_ON[name], source


@pytest.mark.parametrize("name", sorted(RELIED_ON))
def test_the_page_lists_the_code_that_we_rely_on(name: str) -> None:
    assert f"`{name.partition(':')[2]}`" in PAGE


def test_only_the_door_imports_faust() -> None:
    importing = {path.parent for path in (ROOT / "stream").rglob("*.py") if PACKAGES & set(_imports(path))}
    assert importing == {EDGE}


def test_the_page_lists_every_override() -> None:
    overrides = {f"{name}.{method}" for name, method in _overrides()}
    assert len(overrides) > 20
    assert {each for each in overrides if f"`{each}`" not in PAGE} == set()


def test_the_page_lists_every_private_name() -> None:
    private = {name for path in EDGE.glob("*.py") for name in _foreign_names(path)}
    assert len(private) > 20
    assert {name for name in private if f"`{name}`" not in PAGE} == set()


def _found(name: str) -> Any:
    module, _, path = name.partition(":")
    found: Any = import_module(module)
    for part in path.split("."):
        found = vars(found)[part] if isinstance(found, type) else getattr(found, part)
    return inspect.unwrap(getattr(found, "fun", found))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def _overrides() -> Iterator[tuple[str, str]]:
    """Yield our methods that override one of Faust, mode or the client, each with the name of the overridden class."""
    for path in EDGE.glob("[a-z]*.py"):
        module = import_module(f"stream.faust_edge.{path.stem}")
        ours = [each for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__]
        for cls in ours:
            for name, value in vars(cls).items():
                base = next((each for each in cls.__mro__[1:] if name in vars(each)), None)
                if (
                    inspect.isfunction(value)
                    and not name.startswith("__")
                    and base is not None
                    and _package(base) in CLIENTS
                ):
                    yield base.__name__, name


def _package(cls: type) -> str:
    return cls.__module__.partition(".")[0]


def _foreign_names(path: Path) -> Iterator[str]:
    """Yield the private names that a module uses and that no module of the door defines."""
    own = {name for other in EDGE.glob("*.py") for name in _defined(ast.parse(other.read_text()))}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and node.attr not in own | {"_replace"}:
            yield node.attr


def _defined(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and ast.unparse(node.value) == "self":
            yield node.attr
