"""The README's five-minute tour, as written, against a real uvicorn with the demo data."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from insula.core.settings import Settings
from tests.probe.installation import PRODUCT
from tests.support.app import free_port, serving
from tests.support.databases import demo_database

README = (Path(__file__).parents[2] / "README.md").read_text()
TIMEOUT = 120


SHELLS = (("bash", "-euo", "pipefail"), ("dash", "-eu"), ("zsh", "-f", "-eu"))


def blocks(language: str) -> str:
    section = README.split("## Five minutes", 1)[1].split("\n## ", 1)[0]
    return "".join(re.findall(rf"^```{language}\n(.*?)^```", section, re.MULTILINE | re.DOTALL))


@pytest.fixture(scope="module")
def base(settings: Settings) -> Iterator[str]:
    """Serve the demo data at an address that is also the public URL, as `make run` does."""
    port = free_port()
    with demo_database(settings) as own:
        at_home = own.model_copy(update={"public_url": f"http://127.0.0.1:{port}", "installation": PRODUCT})
        with serving(at_home, port) as address:
            yield address


@pytest.mark.skipif(shutil.which("curl") is None, reason="the tour uses curl, which is not installed")
@pytest.mark.parametrize("shell", SHELLS, ids=[name for name, *_ in SHELLS])
def test_the_commands_of_the_tour_print_the_outputs_in_the_readme(base: str, shell: tuple[str, ...]) -> None:
    if shutil.which(shell[0]) is None:
        pytest.skip(f"{shell[0]} is not installed")
    result = subprocess.run(  # noqa: S603 - our own script
        [*shell, "-c", blocks("bash")],
        env={"BASE": base, "PATH": "/usr/bin:/bin:/usr/local/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
    )
    assert result.stdout == blocks("text"), result.stderr
    assert result.returncode == 0, result.stderr


def test_the_tour_has_no_comments() -> None:
    """An interactive zsh takes them for commands."""
    assert not re.search(r"^\s*#|\s# ", blocks("bash"), re.MULTILINE)
