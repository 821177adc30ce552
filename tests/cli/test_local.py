"""The settings of a local installation: its names, and how other commands find it while it runs."""

from pathlib import Path

import pytest

from insula.cli import local
from insula.cli.environment import dump
from insula.cli.local import installation, running
from insula.core.settings import Settings
from insula.http.request.headers import own_hosts


@pytest.fixture
def separate(settings: Settings, tmp_path: Path) -> Settings:
    """Return settings with servers elsewhere, and a data directory of their own."""
    return settings.model_copy(update={"data_dir": tmp_path / "data"})


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]"])
def test_each_name_of_this_machine_is_served(separate: Settings, name: str) -> None:
    with installation(separate, local.LOCAL_URL) as (complete, _):
        assert own_hosts(complete).has(name)


def test_the_running_installation_is_found_only_when_its_settings_are_complete(
    separate: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[Settings | None] = []

    def slow_dump(settings: Settings) -> str:
        found.append(running(separate))
        return dump(settings)

    monkeypatch.setattr(local, "dump", slow_dump)
    with installation(separate, local.LOCAL_URL) as (complete, _):
        assert running(separate) == complete
    assert found == [None]
    assert running(separate) is None
