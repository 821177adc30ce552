"""In a developer's terminal each request is one aligned line."""

import sys

import pytest

from insula.core.terminal import Terminal, has_colours, printable
from tests.http.probe import build, client_of, configured

METHODS = ("GET ", "OPTIONS ")
LOCAL = configured().model_copy(update={"log_format": "console", "log_level": "WARNING"})


def shown(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return the lines of requests, without those of the tests' client, which other tests may have let write."""
    return [line for line in capsys.readouterr().out.splitlines() if line.startswith(METHODS)]


async def test_a_line_has_the_method_path_status_and_milliseconds(capsys: pytest.CaptureFixture[str]) -> None:
    async with client_of(build(LOCAL)) as client:
        await client.get("/api/v1/see?token=canary")
        await client.get("/nowhere")
    first, second = shown(capsys)

    assert first.split()[:3] == ["GET", "/api/v1/see", "200"]
    assert second.split()[:3] == ["GET", "/nowhere", "404"]
    assert first.index(" 200 ") == second.index(" 404 ")
    assert first.endswith(" ms")


async def test_a_line_has_no_control_characters_of_the_caller(capsys: pytest.CaptureFixture[str]) -> None:
    async with client_of(build(LOCAL)) as client:
        await client.get("/a%1b[2Jb")

    assert "/a%1b[2Jb" in capsys.readouterr().out.lower().replace("%1b[2j", "%1b[2J")
    assert printable("\x1b[2J\u202e") == "\ufffd[2J\ufffd"


@pytest.mark.parametrize(("level", "lines"), [("WARNING", 0), ("INFO", 2)])
async def test_preflights_and_assets_are_shown_only_if_all_is_logged(
    capsys: pytest.CaptureFixture[str], level: str, lines: int
) -> None:
    settings = configured(cors_origins="http://localhost:5173")
    settings = settings.model_copy(update={"log_format": "console", "log_level": level})
    preflight = {"origin": "http://localhost:5173", "access-control-request-method": "GET"}
    async with client_of(build(settings)) as client:
        await client.options("/api/v1/see", headers=preflight)
        await client.get("/static/insula/insula.css")
        first = shown(capsys)
        await client.get("/static/nowhere.css")

    assert len(first) == lines
    assert "404" in capsys.readouterr().out


async def test_a_long_path_keeps_its_ends(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    async with client_of(build(LOCAL)) as client:
        await client.get(f"/api/{'x' * 100}/items")
    [line] = shown(capsys)

    assert "…" in line
    assert "/api/" in line
    assert "/items" in line
    assert len(line) <= 80


@pytest.mark.parametrize(
    ("is_terminal", "variables", "coloured"),
    [(True, {}, True), (False, {}, False), (True, {"NO_COLOR": "1"}, False), (True, {"TERM": "dumb"}, False)],
)
def test_only_terminals_get_colours(
    monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool, variables: dict[str, str], coloured: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)

    assert has_colours(sys.stdout) is coloured
    assert (Terminal().styled("200", "green") != "200") is coloured
