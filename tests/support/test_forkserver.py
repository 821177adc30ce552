"""A forked process has its own id, files, environment, directory, signals and exit status, like a started one."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.forkserver import Forkserver
from tests.support.waiting import until

SHOWS = """
import json, os, sys
import imported
print(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ), __name__, imported.BY == os.getpid()]))
print("said", file=sys.stderr)
sys.exit(7)
"""
WAITS = """
import os, signal, sys
if sys.argv[1] == "politely":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
open(sys.argv[2], "w").write(str(os.getpid()))
while True:
    signal.pause()
"""


@pytest.fixture(scope="module")
def forkserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forkserver]:
    """Run a server that has imported a module that records the importing process's id."""
    modules = tmp_path_factory.mktemp("modules")
    (modules / "imported.py").write_text("import os\nBY = os.getpid()\n")
    with Forkserver.started(("imported",), {"PYTHONPATH": str(modules)}) as server:
        yield server


def test_a_program_gets_its_arguments_environment_and_the_imported_modules(
    forkserver: Forkserver, tmp_path: Path
) -> None:
    script = tmp_path / "shows.py"
    script.write_text(SHOWS)
    done = forkserver.run([str(script), "one", "two"], {"KEY": "value"}, str(tmp_path))
    found = json.loads(done.stdout)

    assert (done.returncode, done.stderr) == (7, "said\n")
    assert found == [["one", "two"], str(tmp_path), {"KEY": "value"}, "__main__", False]


def test_a_module_runs_like_python_m(forkserver: Forkserver) -> None:
    started = subprocess.run([sys.executable, "-m", "calendar", "2026"], capture_output=True, text=True, check=True)
    done = forkserver.run([sys.executable, "-m", "calendar", "2026"], {})

    assert (done.returncode, done.stdout, done.stderr) == (0, started.stdout, "")


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 3), (signal.SIGINT, -signal.SIGINT)]
)
async def test_each_process_ends_by_its_own_signal(
    forkserver: Forkserver, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    (tmp_path / "waits.py").write_text(WAITS)
    notes = [tmp_path / "one", tmp_path / "other"]
    one, other = (forkserver.start([str(tmp_path / "waits.py"), "politely", str(note)], {}) for note in notes)
    await until(lambda: all(note.exists() and note.read_text() for note in notes))

    assert [int(note.read_text()) for note in notes] == [one.pid, other.pid]
    one.send_signal(number)
    assert one.wait(10) == one.poll() == status
    assert other.poll() is None
    other.kill()
    assert other.wait(10) == -signal.SIGKILL


def test_a_program_that_takes_too_long_is_killed(forkserver: Forkserver, tmp_path: Path) -> None:
    (tmp_path / "waits.py").write_text(WAITS)
    with pytest.raises(subprocess.TimeoutExpired):
        forkserver.run([str(tmp_path / "waits.py"), "rudely", str(tmp_path / "note")], {}, seconds=0.5)
