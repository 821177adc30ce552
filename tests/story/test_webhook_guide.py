"""The operations guide's signed webhook, as written, against a real uvicorn with the demo data."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from insula.core.settings import Settings
from tests.support.app import serving
from tests.support.databases import demo_database
from tests.support.provider import first_secret

GUIDE = (Path(__file__).parents[2] / "docs/guides/operations.md").read_text()
TIMEOUT = 60


def blocks() -> list[str]:
    section = GUIDE.split("## Trying a webhook", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^```bash\n(.*?)^```", section, re.MULTILINE | re.DOTALL)


@pytest.fixture
def demo(settings: Settings) -> Iterator[Settings]:
    with demo_database(settings) as own:
        yield own


def lines_of(script: str, base: str, secret: str) -> list[str]:
    """Run the script and return its output: one line for each ``# →`` in the script."""
    result = subprocess.run(  # noqa: S603 - our own script
        ["bash", "-euo", "pipefail", "-c", script.replace("\n# →", "\necho\n# →")],  # noqa: S607 - whichever bash the reader has
        env={"BASE": base, "SECRET": secret, "PATH": "/usr/bin:/bin:/usr/local/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="the guide uses curl and openssl")
async def test_the_guides_webhook_upgrades_and_downgrades_globex(demo: Settings) -> None:
    upgrade, back = blocks()
    secret = first_secret(demo)

    with serving(demo) as base:
        for script, expected in ((upgrade, "pro"), (upgrade + back, "free")):
            assert lines_of(script, base, secret) == re.findall(r"^# → (.*)$", script, re.MULTILINE)
            assert await plan_of(demo, "globex") == expected


async def plan_of(demo: Settings, slug: str) -> str:
    connection = await asyncpg.connect(demo.database_url)
    try:
        return str(await connection.fetchval("SELECT plan FROM tenant WHERE slug = $1", slug))
    finally:
        await connection.close()
