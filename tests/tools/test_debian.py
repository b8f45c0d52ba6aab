"""The native tools are had, or it is said what to install."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.tools import debian


@pytest.mark.parametrize("name", sorted(debian.TOOLS))
def test_each_tool_runs_and_is_new_enough(name: str) -> None:
    assert debian.version(debian.tool(name)) >= debian.TOOLS[name].oldest


def test_an_old_tool_on_the_path_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _fake(tmp_path / "promtool", "promtool, version 2.42.0 (branch: debian/sid)")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert debian.tool("promtool") != tmp_path / "promtool"


def test_a_new_tool_on_the_path_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _fake(tmp_path / "alertmanager", "alertmanager, version 0.30.1 (branch: HEAD)")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert debian.tool("alertmanager") == tmp_path / "alertmanager"


def test_without_apt_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "FOLDER", tmp_path / "tools" / debian.SUITE)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(debian.ToolError, match="Prometheus 2.53, Alertmanager 0.28 .*: there is no `apt-get`"):
        debian.tool("amtool")
    assert list((tmp_path / "tools").iterdir()) == []


def test_two_who_ask_at_once_both_find_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "FOLDER", tmp_path / "tools" / debian.SUITE)
    monkeypatch.setattr(debian, "_on_path", lambda _wanted: None)
    monkeypatch.setattr(debian, "_fetch", _fake_all)
    assert not debian.FOLDER.exists()
    with ThreadPoolExecutor(2) as pool:
        for found in pool.map(debian.tool, ["amtool", "prometheus"]):
            assert found.is_file()
    assert [path.name for path in (tmp_path / "tools").iterdir()] == [debian.SUITE]


def _fake(path: Path, says: str) -> None:
    path.write_text(f"#!/bin/sh\necho '{says}'\n", "utf-8")
    path.chmod(0o755)


def _fake_all(folder: Path) -> None:
    for each in debian.TOOLS.values():
        place = folder / "unpacked" / each.unpacked.relative_to(debian.FOLDER)
        place.parent.mkdir(parents=True, exist_ok=True)
        _fake(place, "version 9.9")
        _fake(place.with_suffix(".binary"), "version 9.9")
    subprocess.run(["sleep", "0.2"], check=True)
