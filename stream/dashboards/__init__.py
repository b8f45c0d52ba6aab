"""Grafana dashboards as code: six for reading, and a wall for each value stream, generated from flow.yaml.

Built with the Grafana Foundation SDK (the extra `dashboards`). They are classic dashboards, since those are what
Grafana provisions from files; the SDK warns of them when it is imported, so it is imported quietly here, once.
"""

import warnings
from importlib import import_module

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import_module("grafana_foundation_sdk.builders.dashboard")
    import_module("grafana_foundation_sdk.builders.stat")
