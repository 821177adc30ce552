"""Probes for columns: naming them, and locking, copying and altering the table."""

from collections.abc import Iterator
from functools import partial
from typing import Final

from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from insula.db.engine.roles import DatabaseRole
from insula.db.schema.rights import Command
from tests.isolation.behaviour.outcome import DENIED, UNSUPPORTED
from tests.isolation.behaviour.report import Findings
from tests.isolation.behaviour.subjects import ROLES, Subject
from tests.isolation.behaviour.tenant_pair import TenantPair, copy_in, copy_query, copy_table

DIALECT: Final = PGDialect_asyncpg()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves its constructor untyped


async def probe_columns(pair: TenantPair, subject: Subject, found: Findings) -> None:
    """Try to name each column in each command. No row is touched, so only the grant decides."""
    tried = list(_column_statements(subject))
    for role in ROLES:
        outcomes = await pair.attempt_each(role, [sql for _, _, sql in tried])
        for (verb, column, _), outcome in zip(tried, outcomes, strict=True):
            allowed = subject.may(role, verb)
            if allowed is not None and allowed.names(column) and not (subject.followed and verb != "SELECT"):
                found.works(role, f"{verb} of {column}", outcome)
            else:
                found.denied(role, f"{verb} of {column}", outcome)


async def probe_copies(pair: TenantPair, subject: Subject, found: Findings) -> None:
    """COPY TO shows what SELECT would show; COPY FROM bypasses no policy."""
    for role in ROLES:
        await _copy_out(pair, subject, role, found)
        await _copy_in(pair, subject, role, found)


async def _copy_out(pair: TenantPair, subject: Subject, role: DatabaseRole, found: Findings) -> None:
    seen = subject.may(role, "SELECT")
    columns = [name for name in _settable(subject) if seen is None or seen.names(name)]
    quoted = ", ".join(f'"{name}"' for name in columns)
    query = f"SELECT {quoted} FROM {subject.name}"  # noqa: S608  # names of the catalogue
    schema, table = subject.table.schema or "public", subject.table.name
    mark = next((mark for mark in subject.marks if mark in columns), columns[0])
    mine, theirs = (_canary(rows[table][mark]) for rows in (pair.my_rows, pair.their_rows))
    for what, copy in (
        ("COPY TO", partial(copy_table, schema, table, columns)),
        ("COPY of a SELECT TO", partial(copy_query, query)),
    ):
        outcome = await pair.attempt_raw(role, copy(mine), pair.mine)
        if seen is None:
            found.denied(role, what, outcome)
            continue
        found.works(role, f"{what}, mine", outcome)
        outcome = await pair.attempt_raw(role, copy(theirs), pair.mine)
        if seen.reach == "tenant":
            found.nothing(role, f"{what}, theirs", outcome)
        else:
            found.works(role, f"{what}, theirs", outcome)


async def _copy_in(pair: TenantPair, subject: Subject, role: DatabaseRole, found: Findings) -> None:
    allowed = subject.may(role, "INSERT")
    columns = allowed.columns if allowed and allowed.columns else _settable(subject)
    attempt = copy_in(subject.table.schema or "public", subject.table.name, columns)
    outcome = await pair.attempt_raw(role, attempt, pair.mine)
    if allowed is None:
        found.denied(role, "COPY FROM", outcome)
    elif subject.owner is None:
        found.works(role, "COPY FROM", outcome)
    else:
        found.fails(role, "COPY FROM", outcome, DENIED, UNSUPPORTED)


async def probe_table(pair: TenantPair, subject: Subject, found: Findings) -> None:
    """Expect that no role can alter, empty or shadow a table; as control, the superuser runs the same statements."""
    remaking = _remaking(subject)
    lock = f"LOCK TABLE {subject.name} IN EXCLUSIVE MODE NOWAIT"
    for role in ROLES:
        *outcomes, locked = await pair.attempt_each(role, [*remaking.values(), lock])
        for what, outcome in zip(remaking, outcomes, strict=True):
            found.denied(role, what, outcome)
        if subject.may(role, "DELETE") is not None:
            found.works(role, "LOCK TABLE", locked)  # there is no narrower grant of DELETE
        else:
            found.denied(role, "LOCK TABLE", locked)
    outcomes = await pair.each_by_superuser(list(remaking.values()))
    for what, outcome in zip(remaking, outcomes, strict=True):
        found.works("the superuser", what, outcome)


def _remaking(subject: Subject) -> dict[str, str]:
    name, column = subject.name, subject.marks[0]
    return {
        "TRUNCATE": f"TRUNCATE {name} CASCADE",
        "a temporary table before it": f'CREATE TEMP TABLE "{subject.table.name}" (LIKE {name})',
        "an index": f'CREATE INDEX ON {name} ("{column}")',
        "a rule": f"CREATE RULE spy AS ON INSERT TO {name} DO ALSO SELECT 1",
        "a policy": f"CREATE POLICY spy ON {name} USING (true)",
        "row-level security switched off": f"ALTER TABLE {name} DISABLE ROW LEVEL SECURITY",
        "FORCE removed": f"ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY",
        "its triggers switched off": f"ALTER TABLE {name} DISABLE TRIGGER USER",
        "another column": f"ALTER TABLE {name} ADD COLUMN spy text",
        "DROP": f"DROP TABLE {name} CASCADE",
        "a view": f"CREATE VIEW spy AS SELECT * FROM {name}",  # noqa: S608  # names of the catalogue
    }


def _column_statements(subject: Subject) -> Iterator[tuple[Command, str, str]]:
    name = subject.name
    for column in subject.table.columns:
        quoted = f'"{column.name}"'
        yield "SELECT", column.name, f"SELECT {quoted} FROM {name} WHERE false"  # noqa: S608  # names of the catalogue
        yield "UPDATE", column.name, f"UPDATE {name} SET {quoted} = DEFAULT WHERE false"  # noqa: S608  # likewise
        if column.name in _settable(subject):
            kind = f"NULL::{column.type.compile(DIALECT)}"
            yield "INSERT", column.name, f"INSERT INTO {name} ({quoted}) SELECT {kind} WHERE false"


def _settable(subject: Subject) -> list[str]:
    """Return the columns that INSERT and COPY may name."""
    return [column.name for column in subject.table.columns if column.computed is None and column.identity is None]


def _canary(value: object) -> str:
    """Return the value as COPY writes it."""
    return "\\\\x" + value.hex() if isinstance(value, bytes) else str(value)
