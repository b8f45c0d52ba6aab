"""Prometheus, Alertmanager and Docker Compose: the machine's own, or Debian's, unpacked once into `build/tools`.

Nothing is installed: apt works on folders of its own, with the machine's archive and Debian's keyring.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SUITE = "trixie"
FOLDER = REPOSITORY / "build" / "tools" / SUITE
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
PACKAGES = ("prometheus", "promtool", "prometheus-alertmanager", "docker-compose")
SECONDS = 300.0

# Debian's Alertmanager reads its own message templates from here, wherever it lies itself. In the unpacked binary
# the name is replaced by one as long, for a folder that a script opens for it.
TEMPLATES = "usr/share/prometheus/alertmanager"
OPENED = "/proc/self/fd/9"
SCRIPT = """\
#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
exec 9<"$here/../../{templates}"
exec "$here/{binary}" "$@"
"""


class ToolError(RuntimeError):
    """A tool for the tests cannot be had; the message says what to install."""


@dataclass(frozen=True, slots=True)
class Tool:
    """What a tool may be called, and the oldest version that reads the files of `deploy/`."""

    commands: tuple[str, ...]
    oldest: tuple[int, int]
    folder: str = "usr/bin"

    @property
    def unpacked(self) -> Path:
        """Where Debian's package has it."""
        return FOLDER / self.folder / self.commands[0]


TOOLS: Mapping[str, Tool] = {
    "prometheus": Tool(("prometheus",), (2, 53)),
    "promtool": Tool(("promtool",), (2, 53)),
    "alertmanager": Tool(("prometheus-alertmanager", "alertmanager"), (0, 28)),
    "amtool": Tool(("amtool",), (0, 28)),
    "docker-compose": Tool(("docker-compose",), (2, 24), "usr/libexec/docker/cli-plugins"),
}


def tool(name: str) -> Path:
    """Return the path of one of `TOOLS`; the first call may fetch them.

    Raises ToolError where it cannot be had.
    """
    wanted = TOOLS[name]
    return _on_path(wanted) or _unpacked(wanted)


def _on_path(wanted: Tool) -> Path | None:
    for command in wanted.commands:
        found = shutil.which(command)
        if found is not None and version(Path(found)) >= wanted.oldest:
            return Path(found)
    return None


def version(path: Path) -> tuple[int, int]:
    """What the tool says of itself: major and minor; (0, 0) if it says nothing that can be read."""
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False, timeout=60)
    said = re.search(r"version v?(\d+)\.(\d+)", done.stdout + done.stderr)
    return (int(said[1]), int(said[2])) if said else (0, 0)


def _unpacked(wanted: Tool) -> Path:
    if not _complete():
        FOLDER.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=FOLDER.parent) as folder:
            _fetch(Path(folder))
            _put_in_place(Path(folder) / "unpacked")
    if version(wanted.unpacked) < wanted.oldest:
        raise _cannot(f"Debian's {wanted.commands[0]} does not run here")
    return wanted.unpacked


def _complete() -> bool:
    """Whether all is there, as today's code makes it."""
    script = TOOLS["alertmanager"].unpacked
    return all(each.unpacked.is_file() for each in TOOLS.values()) and script.with_suffix(".binary").is_file()


def _fetch(folder: Path) -> None:
    for command in ("apt-get", "dpkg-deb"):
        if shutil.which(command) is None:
            raise _cannot(f"there is no `{command}`")
    if not KEYRING.is_file():
        raise _cannot(f"there is no {KEYRING} (package debian-archive-keyring)")
    _download(folder)
    for package in sorted(folder.glob("*.deb")):
        _run(["dpkg-deb", "-x", str(package), str(folder / "unpacked")], folder)
    _make_movable(folder / "unpacked" / TOOLS["alertmanager"].unpacked.relative_to(FOLDER))


def _make_movable(alertmanager: Path) -> None:
    binary = alertmanager.with_suffix(".binary")
    name = f"/{TEMPLATES}".encode()
    binary.write_bytes(alertmanager.read_bytes().replace(name, OPENED.encode().ljust(len(name), b"/")))
    binary.chmod(0o755)
    alertmanager.write_text(SCRIPT.format(templates=TEMPLATES, binary=binary.name), "utf-8")


def _download(folder: Path) -> None:
    """Download from the first of the machine's archives that has the suite."""
    said = "apt's sources name no archive with a component `main`"
    for archive in _archives():
        apt = ["apt-get", *_options(folder, archive)]
        try:
            _run([*apt, "update"], folder)
            _run([*apt, "download", *PACKAGES], folder)
        except ToolError as error:
            said = str(error)
        else:
            return
    raise ToolError(said)


def _archives() -> list[str]:
    """The addresses in the machine's apt sources, whether their lists are on the machine or not."""
    form = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
    command = ["apt-get", "indextargets", "--no-release-info", "--format", form]
    rows = [line.split() for line in _run(command, Path.cwd()).splitlines()]
    # Updates and security (`bookworm-updates`, `bookworm-security`) are not whole suites.
    return list(dict.fromkeys(row[0] for row in rows if row[2] == "main" and "-" not in row[1]))


def _options(folder: Path, archive: str) -> list[str]:
    """Options by which apt leaves the system's own lists, packages and cache alone."""
    (folder / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    (folder / "cache").mkdir(exist_ok=True)
    (folder / "status").touch()
    source = folder / "sources.list"
    source.write_text(f"deb [signed-by={KEYRING}] {archive} {SUITE} main\n", "utf-8")
    settings = {
        "Dir::Etc::SourceList": source,
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": folder / "lists",
        "Dir::State::Status": folder / "status",
        "Dir::Cache": folder / "cache",
        "Acquire::Languages": "none",
        "APT::Sandbox::User": "root",
        "APT::Update::Error-Mode": "any",
    }
    return [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]


def _put_in_place(unpacked: Path) -> None:
    """Rename, which is atomic: who finds the folder finds all of it. Somebody else may have been faster."""
    if FOLDER.exists() and not _complete():
        shutil.rmtree(FOLDER)
    try:
        unpacked.rename(FOLDER)
    except OSError:
        if not _complete():
            raise


def _run(command: Sequence[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=SECONDS)
    if done.returncode != 0:
        raise _cannot(f"`{' '.join(command)}` failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _cannot(why: str) -> ToolError:
    needed = "Prometheus 2.53, Alertmanager 0.28 and docker-compose 2.24, or newer, with promtool and amtool"
    return ToolError(f"The tests of deploy/ need {needed}: put them on PATH. Debian's packages could not be had: {why}")
