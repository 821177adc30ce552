"""Operation: lock waits of migrations, clocks, and failing processes; each check removed."""

from typing import Final

from tests.proof.mutants.edits import Edit
from tests.proof.mutants.targets import tests

_WAITS: Final = "platform/insula/db/migrate/lock_waits.py"
_BESIDE_A_BACKUP: Final = tests(
    "faults/test_47_migration_while_serving.py::test_during_a_backup_a_migration_waits_and_requests_do_not"
)
_CLOCKS: Final = tests(
    "faults/test_46_clock_jumps_over_http.py::test_health_and_doctor_report_a_clock_that_differs_from_the_databases"
)
_BRANCHES: Final = "platform/insula/db/schema/branches.py"

RUNNING: Final = (
    Edit(
        "migration: two heads of a branch are accepted",
        _BRANCHES,
        "if len(ends) > 1:",
        "if len(ends) > 2:",
        tests("db/test_branches.py::test_two_heads_of_a_branch_are_refused"),
    ),
    Edit(
        "migration: a branch may depend on another branch's revision",
        _BRANCHES,
        "elif script.dependencies:",
        "elif False:",
        tests("db/test_branches.py::test_an_invalid_chain_is_refused_with_its_reason"),
    ),
    Edit(
        "migration: a database that is ahead is behind",
        _BRANCHES,
        "return found == head or Revision.of(found).number > Revision.of(head).number",
        "return found == head",
        tests("db/test_branches.py::test_a_database_that_is_ahead_is_not_changed"),
    ),
    Edit(
        "migration: any revision of the single chain is its last",
        "platform/insula/db/migrate/revisions.py",
        "if former is not None and KERNEL.name not in at and former != chains[KERNEL.name].replaces:",
        "if False:",
        tests("example/test_former_chain.py::test_an_older_database_is_refused_with_the_version_to_install_first"),
    ),
    Edit(
        "migration: waits for a lock longer than a request for a connection",
        _WAITS,
        'return f"{max(50, round(settings.database.pool_timeout * 1000 / _SHARE_OF_POOL_TIMEOUT))}ms"',
        'return "5s"',
        _BESIDE_A_BACKUP,
    ),
    Edit("migration: ends at the first held lock", _WAITS, "if not _is_held(error):", "if True:", _BESIDE_A_BACKUP),
    Edit(
        "health: any clock",
        "platform/insula/site/health.py",
        "return OK if abs(ahead) <= leeway else described(ahead)",
        "return OK",
        _CLOCKS,
    ),
    Edit(
        "doctor: any clock",
        "platform/insula/cli/commands/doctor.py",
        "if abs(ahead) <= leeway:",
        "if True:",
        _CLOCKS,
    ),
    Edit(
        "supervisor: one failing process ends all",
        "platform/insula/cli/supervisor.py",
        "if all(web.serving_since is None and web.failures >= tries for web in webs):",
        "if any(web.serving_since is None and web.failures >= tries for web in webs):",
        tests("cli/test_supervisor.py"),
    ),
)
