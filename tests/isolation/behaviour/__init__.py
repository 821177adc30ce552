"""Tests the effect of the declared rights: every app role tries every command on every table of two tenants.

The rights come from ``insula.db.schema.rights`` and ``insula.db.schema.queue_rights``, the tables from the
models and the database. Each denial has its positive control: the same statement on the role's own
tenant, by a right that crosses tenants, or by the superuser if no role may. To run it by hand, on the servers
of ``INSULA_TEST_SERVERS`` or its own: ``python -m tests.isolation.behaviour --table membership``.
"""

from collections.abc import Collection

from insula.core.settings import Settings
from tests.isolation.behaviour.columns import probe_columns, probe_copies, probe_table
from tests.isolation.behaviour.database import probe_database
from tests.isolation.behaviour.references import probe_references
from tests.isolation.behaviour.report import Findings, TableReport
from tests.isolation.behaviour.rows import probe_rows
from tests.isolation.behaviour.subjects import Subject
from tests.isolation.behaviour.tenant_pair import TenantPair

__all__ = ["Findings", "TableReport", "TenantPair", "behave", "probe", "probe_database"]


async def behave(settings: Settings, tables: Collection[str] = ()) -> TableReport:
    """Probe the named tables, or all tables and the database itself. Leaves two tenants' rows behind."""
    async with TenantPair.open(settings) as pair:
        found = [await probe(pair, subject) for subject in pair.subjects if not tables or subject.table.name in tables]
        database = Findings("the database")
        if not tables:
            await probe_database(pair, database)
        return TableReport.over(found, database)


async def probe(pair: TenantPair, subject: Subject) -> Findings:
    """Probe one table."""
    found = Findings(subject.table.name)
    if subject.has_rows:
        await probe_rows(pair, subject, found)
        await probe_references(pair, subject, found)
        await probe_copies(pair, subject, found)
    await probe_columns(pair, subject, found)
    await probe_table(pair, subject, found)
    return found
