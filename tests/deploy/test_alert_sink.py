"""The alert sink shows the alerts that it received, drops the oldest, and trusts no input."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.deploy.servers import alert_sink, ask

ALERT = {
    "status": "firing",
    "labels": {"alertname": "FlowLoadAboveLimit"},
    "annotations": {"summary": "Cards has <b>9</b> of 8"},
}


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[str]:
    with alert_sink(tmp_path) as address:
        yield f"http://{address}"


def page(sink: str) -> str:
    with urlopen(f"{sink}/", timeout=10) as answer:
        text: str = answer.read().decode()
        return text


def test_webhooks_to_any_path_are_listed_shown_and_logged(sink: str, tmp_path: Path) -> None:
    assert ask(f"{sink}/alerts", {"status": "firing", "alerts": [ALERT]}) == {"ok": True, "number": 1}
    ask(f"{sink}/slack/x?y=1", {"attachments": [{"title": "over", "text": "*the* limit", "color": "danger"}]})
    first, second = ask(f"{sink}/received")
    assert (first["number"], first["path"], first["body"]["alerts"]) == (1, "/alerts", [ALERT])
    assert first["received"] <= second["received"]
    assert "firing FlowLoadAboveLimit: Cards has &lt;b&gt;9&lt;/b&gt; of 8" in page(sink)
    log = (tmp_path / "sink.log").read_text("utf-8").splitlines()
    assert log[1].endswith("Z /alerts firing FlowLoadAboveLimit: Cards has <b>9</b> of 8")
    assert log[2].endswith("Z /slack/x?y=1 over | *the* limit")


def test_what_is_no_json_is_kept_as_text_and_forgotten_on_demand(sink: str) -> None:
    urlopen(Request(f"{sink}/x", b"<script>\xff"), timeout=10).close()
    assert ask(f"{sink}/received")[0]["body"] == "<script>\ufffd"
    assert "<script>" not in page(sink)
    ask(f"{sink}/received", method="DELETE")
    assert ask(f"{sink}/received") == []


@pytest.mark.parametrize("body", [{"alerts": [1]}, {"alerts": {}}, {"alerts": [{"labels": 1}]}, [None], "text", 7, {}])
def test_json_of_any_shape_is_kept(sink: str, body: object) -> None:
    ask(f"{sink}/x", body)
    assert ask(f"{sink}/received")[0]["body"] == body
    assert "/x" in page(sink)


def test_the_oldest_are_forgotten_and_what_is_too_large_is_refused(sink: str) -> None:
    for number in range(203):
        ask(f"{sink}/x", {"n": number})
    kept = ask(f"{sink}/received")
    assert [each["body"]["n"] for each in kept] == list(range(3, 203))
    with pytest.raises(HTTPError, match="413"):
        urlopen(Request(f"{sink}/x", b" " * 300_000), timeout=10)
