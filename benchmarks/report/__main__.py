"""`python -m benchmarks.report [JSON]`: keeps the results, and writes the documents' tables from them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from benchmarks.errors import BenchmarkError
from benchmarks.report import DOCUMENTS, REPOSITORY, RESULTS, compact, filled


@click.command()
@click.argument("measured", type=click.Path(path_type=Path, exists=True), default=REPOSITORY / "build" / "bench.json")
def main(measured: Path) -> None:
    """Write the tables of the documents from MEASURED, which is build/bench.json by default."""
    results: dict[str, Any] = compact(json.loads(measured.read_text("utf-8")))
    try:
        texts = {document: filled(document.read_text("utf-8"), results) for document in DOCUMENTS}
    except BenchmarkError as error:
        sys.exit(f"bench: {error}")
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    for document, text in texts.items():
        document.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
