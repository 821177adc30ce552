"""The catalogue check of the queue: it names each difference from the declarations, and a migration repairs it."""

from typing import Final

import pytest
from sqlalchemy.engine import Connection

from insula.core.settings import Settings
from insula.db.catalogue.check import check_catalogue
from insula.db.engine.roles import WORKER
from insula.db.migrate.run import as_owner
from insula.db.schema.queue import apply_queue, queue_findings
from tests.support.apps import DECLARED, HANDLERS, PERIODIC

JOBS: Final = "jobs.procrastinate_jobs"
BREAKS: Final = {
    f"GRANT SELECT ON {JOBS} TO insula_tenants": "insula_tenants may SELECT everything, which is not declared",
    f"GRANT SELECT (args) ON {JOBS} TO insula_admin": "which is not declared",
    f"REVOKE INSERT ON {JOBS} FROM insula_identity": "which is declared",
    "GRANT EXECUTE ON FUNCTION jobs.procrastinate_fetch_job_v2 TO PUBLIC": "PUBLIC may EXECUTE",
    "GRANT CREATE ON SCHEMA jobs TO insula_worker": "insula_worker may CREATE",
    f"ALTER TABLE {JOBS} NO FORCE ROW LEVEL SECURITY": "row-level security is not both enabled and forced",
    f"DROP POLICY tenant_isolation ON {JOBS}": "policy tenant_isolation is not as declared",
    f"DROP TRIGGER guard_job ON {JOBS}": "the trigger guard_job is missing",
    f"ALTER TABLE {JOBS} DISABLE TRIGGER guard_job": "the trigger guard_job is missing",
    "ALTER FUNCTION jobs.procrastinate_defer_jobs_v1 SECURITY DEFINER": "is SECURITY DEFINER",
    "ALTER FUNCTION jobs.procrastinate_defer_jobs_v1 RESET search_path": "has no fixed search_path",
    "CREATE OR REPLACE FUNCTION jobs.guard_job() RETURNS trigger LANGUAGE plpgsql SET search_path = jobs, pg_temp"
    " AS 'BEGIN RETURN NEW; END'": "jobs.guard_job is not as declared",
}


@pytest.mark.parametrize(("statement", "finding"), BREAKS.items(), ids=BREAKS.keys())
def test_the_check_names_each_difference_and_a_migration_repairs_it(
    settings: Settings, statement: str, finding: str
) -> None:
    def check_and_repair(connection: Connection) -> None:
        assert queue_findings(connection, DECLARED) == []
        connection.exec_driver_sql(statement)
        assert any(finding in found for found in check_catalogue(connection, DECLARED))
        apply_queue(connection, DECLARED)
        assert queue_findings(connection, DECLARED) == []
        connection.rollback()

    as_owner(settings, check_and_repair)


def test_tenantless_names_are_tasks_and_scheduled_tasks_are_tenantless() -> None:
    assert DECLARED.tenantless_tasks <= HANDLERS.keys()
    assert {entry.task for entry in PERIODIC} == set(DECLARED.scheduled) <= set(DECLARED.tenantless[WORKER])
