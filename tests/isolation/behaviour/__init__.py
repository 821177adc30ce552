"""Tests the effect of the declared rights: every app role tries everything on every table of two tenants.

The rights come from ``insula.db.schema.rights`` and ``insula.db.schema.queue_rights``, the tables from the
models and the database. Each denial has its positive control: the same statement on the role's own
tenant, by a right that crosses tenants, or by the superuser if no role may. To run it by hand, on the servers
of ``INSULA_TEST_SERVERS`` or its own: ``python -m tests.isolation.behaviour --table membership``.
"""

from collections.abc import Collection

from insula.core.settings import Settings
from tests.isolation.behaviour.columns import probe_columns, probe_copies, probe_table
from tests.isolation.behaviour.database import probe_database
from tests.isolation.behaviour.islands import Islands
from tests.isolation.behaviour.references import probe_references
from tests.isolation.behaviour.report import Findings, TableReport
from tests.isolation.behaviour.rows import probe_rows
from tests.isolation.behaviour.subjects import Subject

__all__ = ["Findings", "Islands", "TableReport", "behave", "probe", "probe_database"]


async def behave(settings: Settings, tables: Collection[str] = ()) -> TableReport:
    """Probe the named tables, or all tables and the database itself. Leaves two tenants' rows behind."""
    async with Islands.open(settings) as islands:
        found = [
            await probe(islands, subject) for subject in islands.subjects if not tables or subject.table.name in tables
        ]
        database = Findings("the database")
        if not tables:
            await probe_database(islands, database)
        return TableReport.over(found, database)


async def probe(islands: Islands, subject: Subject) -> Findings:
    """Probe one table."""
    found = Findings(subject.table.name)
    if subject.has_rows:
        await probe_rows(islands, subject, found)
        await probe_references(islands, subject, found)
        await probe_copies(islands, subject, found)
    await probe_columns(islands, subject, found)
    await probe_table(islands, subject, found)
    return found
