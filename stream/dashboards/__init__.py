"""Grafana dashboards as code: six for reading, and a wall for each value stream, generated from flow.yaml.

They are built with the Grafana Foundation SDK (the extra `dashboards`). They are classic dashboards, because Grafana
provisions those from files. The SDK warns about them on import, so it is imported quietly here, once.
"""

import warnings
from importlib import import_module

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import_module("grafana_foundation_sdk.builders.dashboard")
    import_module("grafana_foundation_sdk.builders.stat")
