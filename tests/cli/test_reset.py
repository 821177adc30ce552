"""`insula reset` deletes what `insula run` made for itself, and nothing else."""

from pathlib import Path

import pytest

from insula.core.settings import Settings
from insula.dev.embedded import Lock, prepare
from tests.support.processes import insula


@pytest.fixture
def local(settings: Settings) -> Settings:
    return settings.model_copy(update={"database_url": "", "redis_url": ""})


@pytest.fixture
def home(directory: Path) -> Path:
    """Return a data directory with the files of an installation."""
    home = prepare(directory / "data")
    (home / "postgres" / "base").mkdir(parents=True)
    (home / "secrets.json").write_text("{}")
    (home / "mailbox").mkdir()
    (home / "notes.txt").write_text("mine")
    return home


def test_it_deletes_the_databases_and_leaves_other_files(local: Settings, home: Path) -> None:
    done = insula(local, "reset", "--yes", INSULA_DATA_DIR=str(home))
    again = insula(local, "reset", "--yes", INSULA_DATA_DIR=str(home))

    assert (done.returncode, done.stdout) == (0, "deleted: the next `make run` starts anew\n"), done.stderr
    assert again.stdout == "there was nothing to delete\n"
    assert {path.name for path in home.iterdir()} == {"notes.txt", "lock"}


def test_it_asks_first(local: Settings, home: Path) -> None:
    done = insula(local, "reset", INSULA_DATA_DIR=str(home))

    assert done.returncode == 1
    assert done.stdout.startswith(f"Delete the databases, secrets and emails in {home}?")
    assert (home / "secrets.json").exists()


def test_it_refuses_external_databases_and_a_running_installation(
    settings: Settings, local: Settings, home: Path
) -> None:
    external = insula(settings, "reset", "--yes", INSULA_DATA_DIR=str(home))
    with Lock(home).held():
        running = insula(local, "reset", "--yes", INSULA_DATA_DIR=str(home))

    assert external.returncode == running.returncode == 1
    assert external.stderr.startswith("insula: DATABASE_URL is set: reset deletes only the databases that")
    assert "is in use by process" in running.stderr
    assert (home / "secrets.json").exists()


def test_open_prints_the_address_or_says_that_nothing_runs(local: Settings, home: Path) -> None:
    done = insula(local, "open", INSULA_DATA_DIR=str(home))

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "insula: nothing runs in this folder: start it with `make run`, in another terminal\n"
