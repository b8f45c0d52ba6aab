"""`flowgauge dashboards`: the files that it writes, and its errors."""

from __future__ import annotations

import json
import sys
from importlib.machinery import PathFinder
from pathlib import Path

import pytest

from tests.cli.command import FLOW_YAML, Done, flowgauge


def run(*arguments: object) -> Done:
    return flowgauge("dashboards", *arguments)


def test_it_names_each_file_that_it_wrote(tmp_path: Path) -> None:
    done = run("-c", FLOW_YAML, "-o", tmp_path)
    assert (done.status, done.err) == (0, "")
    named = [line.removeprefix("wrote ") for line in done.out.splitlines()]
    assert sorted(named) == sorted(str(path) for path in tmp_path.glob("*/*"))
    assert {path.suffix for path in tmp_path.glob("*/*")} == {".json"}


def test_json_names_them_too(tmp_path: Path) -> None:
    said = run("-c", FLOW_YAML, "-o", tmp_path, "--json").json
    assert sorted(said["written"]) == sorted(str(path) for path in tmp_path.glob("*/*"))
    assert said["left_over"] == []


def test_walls_of_an_earlier_flow_yaml_are_named_and_stay(tmp_path: Path) -> None:
    (tmp_path / "walls").mkdir()
    earlier = tmp_path / "walls/flowgauge-wall-gone.json"
    earlier.write_text("{}")
    done = run("-c", FLOW_YAML, "-o", tmp_path)
    assert done.status == 0
    assert str(earlier) in done.err
    assert earlier.exists()


def test_links_lead_to_the_runbooks_that_are_named(tmp_path: Path) -> None:
    assert run("-c", FLOW_YAML, "-o", tmp_path, "--runbooks-url", "https://wiki.example/runbooks").status == 0
    board = json.loads((tmp_path / "dashboards/flowgauge-engine.json").read_text())
    assert board["links"][-1]["url"] == "https://wiki.example/runbooks"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "dashboards").write_text("a file where a folder should be")
    refusal = run("-c", FLOW_YAML, "-o", tmp_path).refusal
    assert refusal.startswith(str(tmp_path / "dashboards"))
    assert "cannot be written" in refusal


def test_a_bad_configuration_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "flow.yaml").write_text("version: 2\n")
    done = run("-c", tmp_path / "flow.yaml", "-o", tmp_path / "out")
    assert (done.status, done.out) == (1, "")
    assert "flow.yaml" in done.err
    assert not (tmp_path / "out").exists()


def test_without_the_sdk_it_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Without(PathFinder):
        @classmethod
        def find_spec(cls, fullname: str, path: object = None, target: object = None) -> object:
            return None if fullname.startswith("grafana_foundation_sdk") else super().find_spec(fullname, path, target)

    for name in [name for name in sys.modules if name.startswith("grafana_foundation_sdk")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Without if finder is PathFinder else finder for finder in sys.meta_path])
    assert run("-c", FLOW_YAML, "-o", tmp_path).refusal == (
        "dashboards need grafana-foundation-sdk: pip install 'flowgauge[dashboards]'"
    )
    assert not list(tmp_path.iterdir())


def test_an_output_folder_is_asked_for() -> None:
    assert "--output" in run("-c", FLOW_YAML).wrong_use


def test_a_file_is_no_output_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "is a file" in run("-c", FLOW_YAML, "-o", tmp_path / "file").wrong_use
