"""The whole system: Kafka, two workers, Prometheus and Alertmanager with the files of `deploy/`, addresses aside."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree
from typing import Any
from urllib.parse import urlencode

from tests.deploy.servers import DEPLOY, REPOSITORY, Json, MailServer, alert_sink, alertmanager, ask, running
from tests.e2e.work import Feed, past
from tests.kafka.broker import Broker
from tests.kafka.scrape import wait_outcomes
from tests.kafka.worker import Deployment, Worker, all_ready
from tests.tools.debian import tool
from tests.tools.ports import free_port

WEB = "localhost:9090"


@dataclass
class Stack:
    """The running parts of the system, and their addresses."""

    deployment: Deployment
    workers: tuple[Worker, Worker]
    prometheus: str
    alertmanager: str
    sink: str
    feed: Feed

    def query(self, expression: str) -> list[Json]:
        """Return the samples of an instant query."""
        answer = ask(f"{self.prometheus}/api/v1/query?{urlencode({'query': expression})}")
        found: list[Json] = answer["data"]["result"]
        return found

    def values(self, expression: str, *labels: str) -> dict[tuple[str, ...], float]:
        """Return the values of an instant query by some of their labels, which must be unique."""
        found: dict[tuple[str, ...], float] = {}
        for sample in self.query(expression):
            key = tuple(sample["metric"].get(label, "") for label in labels)
            assert key not in found, f"{expression}: two samples for {key}"
            found[key] = float(sample["value"][1])
        return found

    def received(self) -> list[Json]:
        """Return the notifications to the receiver `sink`, oldest first."""
        found: list[Json] = ask(f"http://{self.sink}/received")
        return [webhook for webhook in found if webhook["path"] == "/alerts"]

    def notified(self, status: str, alertname: str, **labels: str) -> dict[str, Any] | None:
        """Return the first webhook with such an alert in that status, with the `alert` added to its body."""
        for webhook in self.received():
            for alert in webhook["body"]["alerts"]:
                wanted = {"alertname": alertname, **labels}.items()
                if alert["status"] == status and wanted <= alert["labels"].items():
                    return {**webhook, "alert": alert}
        return None


@contextmanager
def stack(kafka: Broker, folder: Path) -> Iterator[Stack]:
    """Run everything until the block ends."""
    deployment = Deployment(kafka, "flow.", folder)
    deployment.create_topics()
    config = deployment.config((DEPLOY / "flow.yaml").read_text("utf-8"))
    with ExitStack() as running_now:
        enter = running_now.enter_context
        workers = (
            enter(Worker(deployment, config, name="worker-1")),
            enter(Worker(deployment, config, name="worker-2")),
        )
        mail = enter(MailServer())
        sink = enter(alert_sink(folder))
        manager = enter(alertmanager(folder, sink, mail.address))
        all_ready(workers)
        feed = enter(closing(Feed(deployment)))
        events = past()
        feed.send(events)
        feed.refuse()
        # Before Prometheus scrapes: it would take this many old events for an import, which inhibits flow alerts.
        wait_outcomes(workers, {"applied": len(events), "rejected": 1})
        addresses = [f"127.0.0.1:{worker.port}" for worker in workers]
        prometheus = enter(_prometheus(folder, addresses, manager.removeprefix("http://")))
        yield Stack(deployment, workers, prometheus, manager, sink, feed)
        mail.shutdown()


@contextmanager
def _prometheus(folder: Path, workers: list[str], manager: str) -> Iterator[str]:
    home, port = folder / "prometheus", free_port()
    copytree(DEPLOY / "prometheus", home)
    copytree(REPOSITORY / "docs" / "runbooks", folder / "assets" / "runbooks")
    text = (home / "prometheus.yml").read_text("utf-8")
    assert WEB in text
    (home / "prometheus.yml").write_text(text.replace(WEB, f"localhost:{port}"), "utf-8")
    for name, targets in (("workers", workers), ("alertmanagers", [manager])):
        (home / "targets" / f"{name}.yml").write_text(f"- targets: {targets}\n", "utf-8")
    command = [str(tool("prometheus")), f"--config.file={home / 'prometheus.yml'}"]
    command += [f"--storage.tsdb.path={folder / 'tsdb'}", f"--web.listen-address=127.0.0.1:{port}"]
    command += [f"--web.external-url=http://localhost:{port}", f"--web.user-assets={folder / 'assets'}"]
    with running(command, f"http://127.0.0.1:{port}/-/ready", home, folder / "prometheus.log"):
        yield f"http://127.0.0.1:{port}"
