"""Kafka's jars, fetched once by Maven into `build/kafka/jars`."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
POM = Path(__file__).with_name("pom.xml")
JARS = REPOSITORY / "build" / "kafka" / "jars"
INSTALL = "apt install openjdk-17-jre-headless maven"
OLDEST_JAVA = 17


class BrokerError(RuntimeError):
    """The broker for the tests does not start. The message says what to install, or what Kafka said."""


def java() -> str:
    """Return the path of a Java that Kafka 4 runs on.

    Raises BrokerError if there is none.
    """
    path = shutil.which("java")
    if path is None:
        raise BrokerError(f"The Kafka tests need Java {OLDEST_JAVA} or newer, and there is no `java`: {INSTALL}")
    said = subprocess.run([path, "-version"], capture_output=True, text=True, check=False, timeout=60).stderr
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < OLDEST_JAVA:
        raise BrokerError(f"The Kafka tests need Java {OLDEST_JAVA} or newer, found {said!r}: {INSTALL}")
    return path


def jars() -> Path:
    """Return the folder of Kafka's jars. The first call for a `pom.xml` lets Maven fetch them.

    Raises BrokerError if Maven is missing or fails.
    """
    if not _complete():
        JARS.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=JARS.parent) as folder:
            _fetch(Path(folder) / "jars")
            _put_in_place(Path(folder) / "jars")
    return JARS


def _complete() -> bool:
    """Return whether the folder exists and was made from the present pom.xml, a copy of which is in it."""
    copy = JARS / POM.name
    return copy.is_file() and copy.read_bytes() == POM.read_bytes()


def _fetch(folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise BrokerError(f"The Kafka tests fetch Kafka with Maven, and there is no `mvn`: {INSTALL}")
    command = [maven, "--batch-mode", "--quiet", "--file", str(POM), "dependency:copy-dependencies"]
    command += [f"-DoutputDirectory={folder}", "-DincludeScope=runtime"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode != 0:
        raise BrokerError(f"Maven could not fetch Kafka (`{' '.join(command)}`):\n{done.stdout}{done.stderr}")
    shutil.copy(POM, folder)


def _put_in_place(folder: Path) -> None:
    """Rename, which is atomic, so the folder is always complete. Another process may have been faster."""
    if JARS.exists() and not _complete():
        shutil.rmtree(JARS)
    try:
        folder.rename(JARS)
    except OSError:
        if not _complete():
            raise
