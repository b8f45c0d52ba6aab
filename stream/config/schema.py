"""The JSON Schema of flow.yaml, for editors; kept in `schemas/flow-config.schema.json`.

`python -m stream.config.schema > schemas/flow-config.schema.json` writes it anew.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from stream.config.model import FlowConfig


def flow_config_schema() -> dict[str, Any]:
    """Describe flow.yaml in JSON Schema 2020-12, as far as a schema can."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "flow-config.schema.json",
        **FlowConfig.model_json_schema(),
        "title": "flow.yaml",
    }


def schema_text() -> str:
    """Write the schema as the file holds it."""
    return json.dumps(flow_config_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
