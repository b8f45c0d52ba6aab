"""`flowgauge dashboards`: writes Grafana dashboards, walls and playlists for a flow.yaml."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import click

from stream.config.loading import load_config
from stream.errors import ServeError

RUNBOOKS = "http://localhost:9090/user/runbooks/"


@click.command()
@click.option("-c", "--config", type=click.Path(), default="flow.yaml", show_default=True, help="The flow.yaml.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder to write to."
)
@click.option("--runbooks-url", default=RUNBOOKS, show_default=True, help="The address of the runbooks, for links.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def command(config: str, output: Path, runbooks_url: str, as_json: bool) -> None:
    """Write Grafana dashboards, a wall for each value stream, and playlists of the walls.

    They go to the folders dashboards, walls and playlists in the output folder. Files left over from an earlier
    flow.yaml are listed, but not deleted.
    """
    if find_spec("grafana_foundation_sdk") is None:
        raise ServeError("dashboards need grafana-foundation-sdk: pip install 'flowgauge[dashboards]'")
    from stream.dashboards.files import files, left_over, write

    made = files(load_config(config), runbooks_url)
    write(output, made)
    remains = left_over(output, made)
    if as_json:
        click.echo(json.dumps({"written": [str(output / name) for name in made], "left_over": remains}))
        return
    for name in made:
        click.echo(f"wrote {output / name}")
    for name in remains:
        click.echo(
            f"flowgauge: {output / name} is left over from an earlier flow.yaml: delete it, or Grafana still shows it",
            err=True,
        )
