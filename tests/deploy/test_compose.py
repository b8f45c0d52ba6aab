"""The compose file is valid for Docker Compose itself, and agrees with the files and names that it uses.

No Docker engine runs here, so these tests do not start containers.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from stream.config.loading import load_config
from tests.deploy.servers import DEPLOY, REPOSITORY, Json
from tests.tools.debian import TOOLS, tool, version

ONE_SHOT = {"topics"}
NOTHING_TO_ASK = {"simulator"}
WRITES_INTO_ITS_IMAGE = {"kafka"}
OWN_IMAGE = "flowgauge:local"


def compose(*arguments: str, **environ: str) -> str:
    """Run Docker Compose, which checks the file against the schema of the compose specification."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("FLOW_", "COMPOSE_"))}
    done = subprocess.run(
        [tool("docker-compose"), "--profile", "*", *arguments],
        cwd=REPOSITORY,
        env=clean | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "level=warn" not in done.stderr
    return done.stdout


@cache
def services() -> dict[str, Json]:
    """Return each service, with shared parts and defaults filled in."""
    found: dict[str, Json] = json.loads(compose("config", "--format", "json"))["services"]
    return found


def each_service() -> pytest.MarkDecorator:
    names = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text("utf-8"))["services"]
    return pytest.mark.parametrize("name", sorted(names))


def mounts(name: str) -> dict[str, Path]:
    """Return our files that a service mounts, by their path in the service."""
    volumes = services()[name].get("volumes", ())
    return {volume["target"]: Path(volume["source"]) for volume in volumes if volume["type"] == "bind"}


def test_the_file_is_valid_for_docker_compose() -> None:
    compose("config", "--quiet")


def test_docker_compose_would_refuse_what_the_specification_does_not_know(tmp_path: Path) -> None:
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text("services: {a: {image: 'a:1', healthchek: {}}}", "utf-8")
    with pytest.raises(AssertionError, match="Additional property healthchek is not allowed"):
        compose("--file", str(wrong), "config", "--quiet")


@each_service()
def test_every_mounted_file_is_there_and_mounted_to_be_read(name: str) -> None:
    for target, source in mounts(name).items():
        assert source.exists(), f"{source} for {target}"
        assert source.is_relative_to(REPOSITORY)
    assert all(volume.get("read_only") for volume in services()[name].get("volumes", ()) if volume["type"] == "bind")


@each_service()
def test_ports_are_open_on_loopback_only(name: str) -> None:
    service = services()[name]
    assert all(port["host_ip"] == "127.0.0.1" for port in service.get("ports", ()))
    assert not {"network_mode", "privileged", "pid", "ipc"} & service.keys()


def test_the_ports_are_those_that_the_documents_name() -> None:
    open_ports = {
        name: [int(port["published"]) for port in service["ports"]]
        for name, service in services().items()
        if "ports" in service
    }
    assert open_ports == {
        "kafka": [9092],
        "worker-1": [6066],
        "worker-2": [6067],
        "prometheus": [9090],
        "alertmanager": [9093],
        "grafana": [3000],
        "alert-sink": [9094],
        "mailpit": [8025],
    }


@each_service()
def test_images_are_pinned_or_built_here(name: str) -> None:
    service = services()[name]
    if service["image"] == OWN_IMAGE:
        assert Path(service["build"]["context"], service["build"]["dockerfile"]) == DEPLOY / "Dockerfile"
    else:
        assert re.fullmatch(r"[a-z0-9/-]+:v?\d+\.\d+\.\d+(-[a-z-]+)?", service["image"])


@each_service()
def test_a_service_has_no_more_rights_than_it_needs(name: str) -> None:
    service = services()[name]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["cap_drop"] == ["ALL"]
    assert service["user"].split(":")[0] not in {"", "0", "root"}
    assert service.get("read_only", False) is (name not in WRITES_INTO_ITS_IMAGE)


@each_service()
def test_a_service_says_whether_it_is_well_or_ends_and_somebody_waits_for_it(name: str) -> None:
    service = services()[name]
    if name in ONE_SHOT:
        # `up --wait` takes the end of a service for a failure, unless another service waits for that end.
        waiting = [each for each in services().values() if name in each.get("depends_on", {})]
        assert {each["depends_on"][name]["condition"] for each in waiting} == {"service_completed_successfully"}
        assert service["restart"] == "no"
    elif name in NOTHING_TO_ASK:
        assert service["healthcheck"]["disable"]
        assert service["profiles"] == ["demo"]
    else:
        assert service["healthcheck"]["test"][0] == "CMD"
        assert service["restart"] == "unless-stopped"
    waits = services()
    for other, how in service.get("depends_on", {}).items():
        healthy = how["condition"] == "service_healthy"
        assert not healthy or "test" in waits[other]["healthcheck"]


def test_every_address_in_the_mounted_files_is_a_service_and_its_port() -> None:
    found = set()
    for path in [DEPLOY / "prometheus", DEPLOY / "alertmanager", DEPLOY / "grafana" / "provisioning"]:
        for file in path.rglob("*"):
            if file.is_file() and file.suffix not in {".md", ".tmpl"} and "tests" not in file.parts:
                found |= set(
                    re.findall(r"(?:https?://|- |smarthost: )([a-z][a-z0-9-]*):(\d+)", file.read_text("utf-8"))
                )
    assert {("worker-1", "6066"), ("worker-2", "6066"), ("alertmanager", "9093"), ("prometheus", "9090")} <= found
    local = {(host, port) for host, port in found if host not in services()}
    assert {host for host, _ in local} <= {"localhost"}
    listening = {"mailpit": {"1025"}}
    for host, port in found - local:
        inside = {str(each["target"]) for each in services()[host].get("ports", ())}
        assert port in inside | listening.get(host, set()), f"{host}:{port}"


def test_prometheus_scrapes_every_worker() -> None:
    (group,) = yaml.safe_load((DEPLOY / "prometheus" / "targets" / "workers.yml").read_text("utf-8"))
    workers = {f"{name}:6066" for name, service in services().items() if service.get("command") == ["worker"]}
    assert set(group["targets"]) == workers
    assert len(workers) == 2


def test_prometheus_and_alertmanager_have_the_version_that_the_tests_run() -> None:
    for name in ("prometheus", "alertmanager"):
        pinned = re.search(r":v(\d+)\.(\d+)\.", services()[name]["image"])
        assert pinned is not None
        assert (int(pinned[1]), int(pinned[2])) == TOOLS[name].oldest <= version(tool(name))


def test_grafana_finds_the_files_that_it_is_told_of() -> None:
    grafana = services()["grafana"]
    inside = {target: path for target, path in mounts("grafana").items() if target.startswith("/var/lib/grafana")}
    named = [grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]]
    for file in (DEPLOY / "grafana" / "provisioning" / "dashboards").glob("*.yaml"):
        providers = yaml.safe_load(file.read_text("utf-8"))["providers"]
        named += [provider["options"]["path"] for provider in providers]
    assert len(named) > 1
    for name in named:
        target, source = next((target, path) for target, path in inside.items() if Path(name).is_relative_to(target))
        assert (source / Path(name).relative_to(target)).exists(), name


def test_another_configuration_and_other_secrets_can_be_given() -> None:
    given = json.loads(
        compose("config", "--format", "json", FLOW_CONFIG="stream/demo/portfolio.yaml", FLOW_SECRETS="/x")
    )
    worker, alertmanager = given["services"]["worker-1"], given["services"]["alertmanager"]
    assert load_config(Path(worker["volumes"][0]["source"])).organisation[0].value_stream == "Payments"
    assert worker["volumes"][0]["source"] == str(REPOSITORY / "stream" / "demo" / "portfolio.yaml")
    assert {"/x"} == {each["source"] for each in alertmanager["volumes"] if each["target"].endswith("/secrets")}


def test_the_image_has_what_the_build_copies_and_no_more_is_sent_to_it() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text("utf-8")
    copied: set[str] = set()
    for line in re.findall(r"^COPY (?!--from)(.*)$", dockerfile, re.MULTILINE):
        copied |= set(line.split()[:-1])
    allowed = re.findall(r"^!(.*)$", (REPOSITORY / ".dockerignore").read_text("utf-8"), re.MULTILINE)
    assert copied == set(allowed)
    assert all((REPOSITORY / name).exists() for name in copied)
    assert "--require-hashes" in dockerfile
    python = re.findall(r"^ARG PYTHON=(.*)$", dockerfile, re.MULTILINE)
    assert python == [services()["alert-sink"]["image"]]
    assert re.search(r"^USER (\d+)$", dockerfile, re.MULTILINE)


def test_what_the_image_removes_is_of_no_use_to_what_stays() -> None:
    """Each package that is uninstalled was needed only for the build, according to the lock file."""
    dockerfile = (DEPLOY / "Dockerfile").read_text("utf-8")
    removed = re.search(r"uninstall --yes \\\n\s*(.*)$", dockerfile, re.MULTILINE)
    assert removed is not None
    lock = (REPOSITORY / "requirements.lock").read_text("utf-8")
    for name in set(removed[1].split()) - {"pip", "setuptools"}:
        block = re.search(rf"^{name}==.*?(?=^\S|\Z)", lock, re.MULTILINE | re.DOTALL)
        assert block is not None, name
        via: set[Any] = set(re.findall(r"(?:# via|#  ) +(\S+)", block[0])) - {
            "flowgauge",
            "(pyproject.toml::build-system.requires)",
        }
        assert via <= {"hatchling", "flowgauge", "(pyproject.toml::build-system.backend::editable)"}, (name, via)
