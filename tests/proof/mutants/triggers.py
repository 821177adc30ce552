"""Dropped triggers, and the tests that must detect each one."""

from collections.abc import Iterator, Mapping
from typing import Final

from sqlalchemy import text
from sqlalchemy.engine import Connection

from tests.proof.mutants.schema_mutants import Probe, SchemaMutant
from tests.proof.suites import Tests
from tests.support.apps import DECLARED

_ANNOUNCED: Final = "tests/db/test_announced_tables.py"
_ACCESS: Final[Mapping[str, str]] = {
    "access_changed": "test_a_change_is_announced",
    "access_made": "test_an_insert_or_delete_is_announced",
}
_RECORDER: Final = Tests(("tests/audit/test_recorder.py",))
_COUNTED: Final = "tests/db/test_counting.py::test_an_insert_or_delete_is_counted"
_BY: Final[Mapping[tuple[str, str], Probe | Tests]] = {
    ("audit_event", "chained"): Tests(("tests/tenants/racks/test_create.py",)),
    ("audit_event", "no_truncate"): _RECORDER,
    ("audit_event", "no_update_or_delete"): _RECORDER,
    ("audit_head", "no_delete"): _RECORDER,
    ("audit_head", "no_truncate"): _RECORDER,
    ("audit_head", "only_by_event"): Probe("audit_head"),
    ("jobs.procrastinate_jobs", "forget_arguments"): Tests(("tests/jobs/test_worker.py",)),
    ("jobs.procrastinate_jobs", "guard_job"): Probe("procrastinate_jobs"),
    ("tenant_usage", "only_by_count"): Probe("tenant_usage"),
    ("tenant", "slug_registered"): Tests(("tests/tenants/tenants/test_renaming.py",)),
}
_TRIGGERS: Final = text("""
SELECT tgrelid::regclass::text AS relation, tgname AS name FROM pg_trigger
WHERE NOT tgisinternal AND tgname NOT LIKE 'procrastinate%' ORDER BY 1, 2
""")


def trigger_mutants(connection: Connection) -> Iterator[SchemaMutant]:
    """Drop each of our triggers. Raises KeyError for a trigger without a test: name one here."""
    for row in connection.execute(_TRIGGERS):
        drop = f"DROP TRIGGER {row.name} ON {row.relation}"
        yield SchemaMutant(
            f"{row.relation}: trigger {row.name} is dropped", (drop,), _witness(row.relation.strip('"'), row.name)
        )


def _witness(table: str, name: str) -> Probe | Tests:
    if test := _ACCESS.get(name):
        return Tests((f"{_ANNOUNCED}::{test}[{table}]",))
    if table in DECLARED.counted and name in ("counted", "settled"):
        return Tests((f"{_COUNTED}[{table}]",))
    return _BY[table, name]
