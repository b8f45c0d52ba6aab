"""Builds what the peers need, once, in `build/`: a Python environment, jars and a compiled Java class."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from benchmarks.errors import BenchmarkError

REPOSITORY = Path(__file__).resolve().parents[1]
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
POM = Path(__file__).with_name("contestants") / "pom.xml"
SOURCE = POM.with_name("KafkaStreams.java")
ENVIRONMENT = REPOSITORY / "build" / "bench-venv"
JAVA = REPOSITORY / "build" / "bench-java"
INSTALL_SECONDS = 900


@cache
def python() -> str:
    """Return the interpreter of the Python peers, installing them if needed. Raises BenchmarkError."""
    interpreter = ENVIRONMENT / "bin" / "python"
    if not _is_of(ENVIRONMENT, [REQUIREMENTS]):
        print("installing the Python peers into build/bench-venv", file=sys.stderr)
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
        _do([str(interpreter), "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", str(REQUIREMENTS)])
        _mark(ENVIRONMENT, [REQUIREMENTS])
    return str(interpreter)


@cache
def java_class_path() -> str:
    """Return the class path of the Java contestant, fetching and compiling if needed. Raises BenchmarkError."""
    if not _is_of(JAVA, [POM, SOURCE]):
        print("building the Java contestant in build/bench-java", file=sys.stderr)
        shutil.rmtree(JAVA, ignore_errors=True)
        maven = ["mvn", "--batch-mode", "--quiet", "--file", str(POM), "dependency:copy-dependencies"]
        _do([*maven, f"-DoutputDirectory={JAVA / 'jars'}", "-DincludeScope=runtime"])
        _do(["javac", "-cp", f"{JAVA / 'jars'}/*", "-d", str(JAVA / "classes"), str(SOURCE)])
        _mark(JAVA, [POM, SOURCE])
    return f"{JAVA / 'classes'}:{JAVA / 'jars'}/*"


def versions() -> dict[str, str]:
    """Return the versions of the peers, as their own files pin them."""
    pinned = dict(re.findall(r"^(quixstreams|pathway)==(\S+)", REQUIREMENTS.read_text(), re.MULTILINE))
    streams = re.search(r"<artifactId>kafka-streams</artifactId>\s*<version>([^<]+)", POM.read_text())
    return pinned | ({"kafka-streams": streams[1]} if streams else {})


def _is_of(folder: Path, sources: Sequence[Path]) -> bool:
    """Return whether a folder was built from exactly these files, copies of which are in it."""
    copies = [folder / source.name for source in sources]
    return all(
        copy.is_file() and copy.read_bytes() == source.read_bytes()
        for copy, source in zip(copies, sources, strict=True)
    )


def _mark(folder: Path, sources: Sequence[Path]) -> None:
    for source in sources:
        shutil.copy(source, folder)


def _do(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS)
    except FileNotFoundError as error:
        raise BenchmarkError(f"there is no `{command[0]}`: apt install openjdk-17-jdk-headless maven") from error
    if done.returncode != 0:
        raise BenchmarkError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
