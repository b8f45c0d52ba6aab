"""All files that `flowgauge dashboards` makes from a flow.yaml."""

from __future__ import annotations

from pathlib import Path

from stream.config.model import FlowConfig
from stream.dashboards.art import art
from stream.dashboards.bottlenecks import bottlenecks
from stream.dashboards.engine import engine
from stream.dashboards.goals import goals
from stream.dashboards.homes import homes
from stream.dashboards.layout import Frame, as_text
from stream.dashboards.overview import overview
from stream.dashboards.playlist import playlist
from stream.dashboards.team import team
from stream.dashboards.walls import LARGE, walls
from stream.errors import ServeError

READING = (overview, art, team, bottlenecks, goals, engine)
USUAL = "30d"
FOLDERS = ("dashboards", "walls", "playlists")


def files(config: FlowConfig, runbooks: str) -> dict[str, str]:
    """Give each file's path, relative to the output folder, with its text."""
    labels = config.exported_windows
    trailing = [window for window in config.trailing if window.label in labels]
    longest = max(trailing, key=lambda window: window.microseconds).label if trailing else labels[0]
    frame = Frame(USUAL if USUAL in labels else longest, longest, runbooks, homes(config))
    made = {}
    for build in READING:
        board = build(frame)
        made[f"dashboards/{board.uid}.json"] = as_text(board)
    uids = []
    for board in walls(config, frame.usual):
        made[f"walls/{board.uid}.json"] = as_text(board)
        uids.append(str(board.uid))
    large = [uid for uid in uids if uid.endswith(LARGE)]
    small = [uid for uid in uids if not uid.endswith(LARGE)]
    made["playlists/flowgauge-walls.json"] = as_text(playlist("flowgauge-walls", "flowgauge walls", small))
    made["playlists/flowgauge-walls-4k.json"] = as_text(playlist("flowgauge-walls-4k", "flowgauge walls 4K", large))
    return made


def write(folder: Path, made: dict[str, str]) -> None:
    """Write the files, each whole: Grafana may read the folder at any moment."""
    for name, text in made.items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_suffix(".tmp")
            unfinished.write_text(text, encoding="utf-8")
            unfinished.replace(path)
        except OSError as error:
            raise ServeError(f"{path} cannot be written: {error.strerror or error}") from None


def left_over(folder: Path, made: dict[str, str]) -> list[str]:
    """Name the files of an earlier flow.yaml: Grafana still shows every file in the folder."""
    found = (path.relative_to(folder) for kind in FOLDERS for path in (folder / kind).glob("flowgauge-*.json"))
    return sorted(path.as_posix() for path in found if path.as_posix() not in made)
