"""Records the statements that an upgrade sends, revision by revision, and lints them with squawk.

A rule is switched off for all revisions or for one, each time with a reason.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

OLDEST_POSTGRESQL: Final = "15"
OFF: Final[Mapping[str, str]] = {
    "prefer-bigint-over-int": "integers here are versions of rows, quantities and lengths, never ids",
    "prefer-robust-stmts": "insula.db.migrate.online drops the rest of an interrupted attempt, then adds",
}
_QUEUE: Final = "kernel_0001"
ACCEPTED: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        (_QUEUE, "prefer-identity"): "procrastinate's tables are made by the library's own SQL",
        (_QUEUE, "prefer-text-field"): "procrastinate's tables are made by the library's own SQL",
        (_QUEUE, "adding-field-with-default"): "procrastinate's table is empty: the same revision makes it",
        (_QUEUE, "require-concurrent-index-creation"): "procrastinate's table is empty: the same revision makes it",
        (
            "kernel_0002_actor_kinds",
            "ban-drop-constraint",
        ): "the trigger that chains events checks the kinds of each role",
        (
            "kernel_0003_counting_at_commit",
            "ban-drop-function",
        ): "only triggers call it, and they are replaced first; without it an older `insula migrate` adds none",
    }
)
"""Rules that are switched off in one revision, each with the reason."""

_APPLIED: Final = re.compile(
    r"(?:UPDATE|INSERT INTO) (?:schema_revision|alembic_version)\b.*?'(?P<revision>\w+)'", re.DOTALL
)
_READS: Final = re.compile(r"\s*(?:SELECT|SHOW)\b", re.IGNORECASE)
_SETS: Final = re.compile(r"\s*SET (?:lock|statement)_timeout\b", re.IGNORECASE)


class Statement(NamedTuple):
    """A statement, and whether it runs outside a transaction."""

    text: str
    alone: bool


class Recording:
    """The statements of each revision, in order."""

    def __init__(self, revisions: Mapping[str, Sequence[Statement]] | None = None) -> None:
        self.revisions = {name: list(statements) for name, statements in (revisions or {}).items()}
        self._session: list[Statement] = []
        self._open: list[Statement] = []

    def only(self, names: Collection[str]) -> "Recording":
        """Return the recording of these revisions only."""
        return Recording({name: self.revisions[name] for name in self.revisions if name in names})

    def take(self, connection: Connection, statement: str) -> None:
        """Record one statement; the statement that stores the new version ends its revision."""
        alone = connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT"
        if applied := _APPLIED.match(statement):
            self.revisions[applied["revision"]] = [*self._session, *self._open]
            self._open = []
        elif _SETS.match(statement) and not self._open:
            self._session.append(Statement(statement, alone=True))
        elif not _READS.match(statement):
            self._open.append(Statement(statement, alone))


@contextmanager
def recorded() -> Iterator[Recording]:
    """Record the statements that every engine sends during the block."""
    recording = Recording()

    def take(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        recording.take(connection, statement)

    event.listen(Engine, "before_cursor_execute", take)
    try:
        yield recording
    finally:
        event.remove(Engine, "before_cursor_execute", take)


def lint(recording: Recording) -> list[str]:
    """Return squawk's findings that are neither off nor accepted, and accepted ones that it does not find."""
    found = [(revision, finding) for revision, finding in _squawk(recording) if finding["rule_name"] not in OFF]
    lines = [
        f"{revision}: {finding['rule_name']}: {finding['message']} {finding['help'] or ''}".strip()
        for revision, finding in found
        if (revision, finding["rule_name"]) not in ACCEPTED
    ]
    needed = {(revision, finding["rule_name"]) for revision, finding in found}
    accepted = {(revision, rule) for revision, rule in ACCEPTED if revision in recording.revisions}
    return lines + [f"{revision}: {rule} is accepted but not found" for revision, rule in accepted - needed]


def script(statements: Sequence[Statement]) -> str:
    """Return the statements as a script: those of one transaction between BEGIN and COMMIT."""
    lines: list[str] = []
    for alone, some in groupby(statements, key=lambda statement: statement.alone):
        texts = [f"{statement.text.strip().removesuffix(';')};" for statement in some]
        lines += texts if alone else ["BEGIN;", *texts, "COMMIT;"]
    return "\n".join(lines)


def _squawk(recording: Recording) -> Iterator[tuple[str, Mapping[str, str]]]:
    with tempfile.TemporaryDirectory(prefix="insula-sql-") as directory:
        files = [Path(directory, f"{revision}.sql") for revision in recording.revisions]
        for file, statements in zip(files, recording.revisions.values(), strict=True):
            file.write_text(script(statements))
        command = [
            str(Path(sys.executable).with_name("squawk")),
            "--pg-version",
            OLDEST_POSTGRESQL,
            "--reporter",
            "json",
        ]
        done = subprocess.run(  # noqa: S603  our own program
            [*command, "--no-assume-in-transaction", *files], capture_output=True, text=True, check=False
        )
        if done.returncode not in (0, 1):
            raise RuntimeError(f"squawk ended with {done.returncode}: {done.stderr}")
        for finding in json.loads(done.stdout):
            yield Path(finding["file"]).stem, finding
