"""The app makes its own settings, whatever the environment says to Faust."""

from __future__ import annotations

import pytest

from stream.config.loading import load_config
from stream.faust_edge.app import FlowApp
from stream.settings import Settings
from tests.worker.fakes import FLOW_YAML


def test_the_environment_changes_no_setting_of_faust(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BROKER_CLIENT_ID", "BROKER_URL", "APP_ID"):
        monkeypatch.setenv(name, "kafka://another")
    settings = Settings.from_env({"FLOW_CONFIG": str(FLOW_YAML), "FLOW_KAFKA_BROKERS": "127.0.0.1:9"})
    app = FlowApp(settings, load_config(FLOW_YAML))
    # The group lists the worker under this name, and readiness looks for it.
    assert app.conf.broker_client_id == app.worker.engine.client_id
    assert (app.conf.id, str(app.conf.broker[0])) == (settings.group, "kafka://127.0.0.1:9")
