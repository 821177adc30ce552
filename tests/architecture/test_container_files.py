"""The container files, checked statically: they agree with the settings, the command line and the source tree."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click import Context
from fastapi.routing import APIRoute, iter_route_contexts
from typer.main import get_command

from insula.cli import app as cli
from insula.core.settings import Settings
from insula.site.openapi import apps_of
from tests.support.project import PACKAGES, ROOT, SHIPPED, root_app

DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
BUILT_SERVICES = {name: service for name, service in COMPOSE["services"].items() if "build" in service}
PINNED = re.compile(r":v?\d+\.\d+(\.\d+)?(-\w+)*$")
VARIABLE = re.compile(r"\$\{\w+(?::-(?P<default>[^}]*)|:\?[^}]*)\}")
SECRET = "c2VjcmV0" * 8


def instructions(name: str) -> list[str]:
    joined = DOCKERFILE.replace("\\\n", " ")
    return [line.split(maxsplit=1)[1].strip() for line in joined.splitlines() if line.startswith(f"{name} ")]


def filled_in(value: str) -> str:
    """Replace each variable by its default, or by a secret if it requires one."""
    return VARIABLE.sub(lambda found: SECRET if found["default"] is None else found["default"], value)


def test_image_has_two_stages_on_a_pinned_base() -> None:
    bases = [base.split()[0] for base in instructions("FROM")]
    assert len(bases) == 2
    assert all(PINNED.search(base) for base in bases)


def test_image_runs_as_an_unprivileged_user() -> None:
    last_stage = DOCKERFILE.rsplit("\nFROM ", 1)[1]
    assert re.search(r"^USER [1-9]\d+$", last_stage, re.MULTILINE)
    assert last_stage.index("\nUSER ") < last_stage.index("\nCMD ")


def test_image_is_built_from_paths_that_exist_and_are_not_ignored() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    sources = {word for copy in instructions("COPY") if "--from" not in copy for word in copy.split()[:-1]}
    assert sources <= allowed
    assert {source for source in sources if not (ROOT / source).exists()} == set()
    assert sources >= SHIPPED


def test_packages_that_serve_routes_are_shipped() -> None:
    served = {
        context.original_route.endpoint.__module__.partition(".")[0]
        for _, _, app in apps_of(root_app())
        for context in iter_route_contexts(app.routes)
        if isinstance(context.original_route, APIRoute)
    }
    assert len(served) > 1
    assert served <= {Path(package).name for package in PACKAGES}


def test_healthcheck_is_valid_python_for_a_path_that_the_root_app_serves() -> None:
    healthcheck = instructions("HEALTHCHECK")[0]
    code = re.search(r'"-c", "(?P<code>[^"]+)"', healthcheck)
    assert code is not None
    compile(code["code"], "healthcheck", "exec")
    path = re.search(r"127\.0\.0\.1:8000(?P<path>/\w+)", code["code"])
    assert path is not None
    assert path["path"] in {route.path for route in iter_route_contexts(root_app().routes)}


@pytest.mark.parametrize(
    "command", [*instructions("CMD"), *(str(s["command"]) for s in BUILT_SERVICES.values() if "command" in s)]
)
def test_commands_exist(command: str) -> None:
    program, subcommand, *options = re.findall(r"""["']([^"']+)["']""", command)
    assert program == "insula"
    known: Any = get_command(cli)
    found = known.get_command(Context(known), subcommand)
    parameters = {option for parameter in found.params for option in parameter.opts}
    assert {option for option in options if option.startswith("--")} <= parameters


def test_images_of_compose_are_pinned() -> None:
    images = [service["image"] for service in COMPOSE["services"].values() if "image" in service]
    assert [image for image in images if not PINNED.search(image)] == []


def test_every_built_service_has_the_same_settings() -> None:
    assert {str(sorted(service["environment"].items())) for service in BUILT_SERVICES.values()} == {
        str(sorted(BUILT_SERVICES["app"]["environment"].items()))
    }


def test_compose_gives_insula_serve_all_that_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in BUILT_SERVICES["app"]["environment"].items():
        monkeypatch.setenv(name, filled_in(value))
    assert Settings().unsafe() == []


def test_compose_names_only_settings_that_exist(setting_names: frozenset[str]) -> None:
    assert set(BUILT_SERVICES["app"]["environment"]) - setting_names == set()
