"""Times ``insula migrate`` on a full database, run from a copy of the code with more revisions."""

import asyncio
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import asyncpg

from benchmarks.growth.serving import inherited
from insula.apps import load
from insula.cli.environment import to_environment
from insula.core.settings import Settings
from insula.db.schema.branches import heads

_ROOT: Final = Path(__file__).parents[2]
_CODE: Final = ("platform", "tenants", "billing", "admin")
_BRANCH: Final = "example"
_REVISION: Final = '''
"""Measured by benchmarks/growth."""

from alembic import op
from sqlalchemy import Column, Text

from insula.db.schema.ddl import create_tenant_table

revision = "{revision}"
down_revision = "{before}"


def upgrade() -> None:
    {work}


def downgrade() -> None:
    """Nothing: the database is of one run."""
'''
_ADDITIVE: Final = """op.add_column("project_item", Column("estimate", Text, nullable=False, server_default=""))
    create_tenant_table("remark", Column("body", Text, nullable=False))"""
_INDEX: Final = 'op.create_index("ix_growth", "project_item", ["tenant_id", "status"])'
_UNDO: Final = """
    DROP INDEX IF EXISTS ix_growth;
    DROP TABLE IF EXISTS remark;
    ALTER TABLE project_item DROP COLUMN IF EXISTS estimate;
"""
_RUN: Final = "from insula.cli import app; app()"


def migration_seconds(settings: Settings) -> Mapping[str, float]:
    """Return the seconds of each migration; afterwards the schema is as before."""
    before = heads(load().database.branches)[_BRANCH]
    with tempfile.TemporaryDirectory(prefix="insula-growth-code-") as name:
        code = Path(name)
        for part in _CODE:
            shutil.copytree(_ROOT / part, code / part, ignore=shutil.ignore_patterns("__pycache__"))
        try:
            found = {"nothing to migrate": _migrate(settings, code, before)}
            _add(code, f"{_BRANCH}_9901", before, _ADDITIVE)
            found["a column with a default and a new table"] = _migrate(settings, code, f"{_BRANCH}_9901")
            _add(code, f"{_BRANCH}_9902", f"{_BRANCH}_9901", _INDEX)
            found["an index on every item"] = _migrate(settings, code, f"{_BRANCH}_9902")
        finally:
            asyncio.run(_undo(settings, before))
    return found


def _add(code: Path, revision: str, before: str, work: str) -> None:
    text = _REVISION.format(revision=revision, before=before, work=work)
    (code / _folder().relative_to(_ROOT) / f"{revision}.py").write_text(text)


def _folder() -> Path:
    [folder] = [branch.folder for branch in load().database.branches if branch.name == _BRANCH]
    return folder


def _migrate(settings: Settings, code: Path, expected: str) -> float:
    environment = {**inherited(code / "platform", code), **to_environment(settings)}
    command = [sys.executable, "-c", _RUN, "migrate"]
    began = time.monotonic()
    done = subprocess.run(command, env=environment, cwd=code, capture_output=True, text=True, check=False)  # noqa: S603  # our own
    took = time.monotonic() - began
    if done.returncode or expected not in done.stdout:
        raise RuntimeError(f"the migration to {expected} failed:\n{done.stdout[-1000:]}{done.stderr[-2000:]}")
    return took


async def _undo(settings: Settings, revision: str) -> None:
    connection = await asyncpg.connect(settings.database_url)
    try:
        await connection.execute(_UNDO)
        await connection.execute(
            "UPDATE schema_revision SET version_num = $1 WHERE version_num LIKE $2", revision, f"{_BRANCH}_%"
        )
    finally:
        await connection.close()
