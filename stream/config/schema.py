"""The JSON Schema of flow.yaml, for editors; kept in `schemas/flow-config.schema.json`.

`python -c "from stream.config.schema import write; write()"`, run in the repository's root, writes it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stream.config.model import FlowConfig

KEPT = "schemas/flow-config.schema.json"


def flow_config_schema() -> dict[str, Any]:
    """Give the JSON Schema (2020-12) of flow.yaml, as far as a schema can describe it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "flow-config.schema.json",
        **FlowConfig.model_json_schema(),
        "title": "flow.yaml",
    }


def schema_text() -> str:
    """Give the schema as the text of the file."""
    return json.dumps(flow_config_schema(), indent=2, ensure_ascii=False) + "\n"


def write(path: str = KEPT) -> None:
    """Write the file."""
    Path(path).write_text(schema_text(), encoding="utf-8")
