"""`make check` inspects the statements of migrations: each kind is tested once harmful and once correct."""

import pytest

from scripts.recorded_sql import ACCEPTED, Recording, Statement, lint, script

BOUNDS = ("SET lock_timeout = '500ms'", "SET statement_timeout = '300s'")
ADD = "ALTER TABLE note ADD CONSTRAINT ck_note CHECK (size > 0)"


def recording(revision: str, *statements: Statement) -> Recording:
    recorded = Recording()
    recorded.revisions[revision] = [*(Statement(bound, alone=True) for bound in BOUNDS), *statements]
    return recorded


def within(*texts: str) -> list[Statement]:
    return [Statement(text, alone=False) for text in texts]


def alone(*texts: str) -> list[Statement]:
    return [Statement(text, alone=True) for text in texts]


@pytest.mark.parametrize(
    ("rule", "harmful", "harmless"),
    [
        (
            "require-concurrent-index-creation",
            within("CREATE INDEX ix_note ON note (body)"),
            alone("CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_note ON note (body)"),
        ),
        (
            "ban-concurrent-index-creation-in-transaction",
            within("CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_note ON note (body)", "DELETE FROM note"),
            within("CREATE TABLE note (body text)", "CREATE INDEX ix_note ON note (body)"),
        ),
        (
            "constraint-missing-not-valid",
            within(ADD),
            alone(f"{ADD} NOT VALID", "ALTER TABLE note VALIDATE CONSTRAINT ck_note"),
        ),
        (
            "adding-required-field",
            within("ALTER TABLE note ADD COLUMN size bigint NOT NULL"),
            within("ALTER TABLE note ADD COLUMN size bigint NOT NULL DEFAULT 0"),
        ),
        ("ban-drop-column", within("ALTER TABLE note DROP COLUMN body"), within("DELETE FROM note")),
    ],
)
def test_a_statement_that_holds_up_requests_is_found(
    rule: str, harmful: list[Statement], harmless: list[Statement]
) -> None:
    [line] = lint(recording("9900_later", *harmful))

    assert line.startswith(f"9900_later: {rule}: ")
    assert lint(recording("9900_later", *harmless)) == []


def test_an_accepted_finding_belongs_to_one_revision_and_must_occur() -> None:
    harmful = within("CREATE INDEX ix_note ON note (body)")
    [revision] = {revision for revision, rule in ACCEPTED if rule == "require-concurrent-index-creation"}

    assert not [line for line in lint(recording(revision, *harmful)) if "is accepted but not found" not in line]
    assert f"{revision}: require-concurrent-index-creation is accepted but not found" in lint(recording(revision))


def test_autocommit_statements_are_outside_of_transactions() -> None:
    assert script([*within("A;", "B"), *alone("C"), *within("D")]) == "BEGIN;\nA;\nB;\nCOMMIT;\nC;\nBEGIN;\nD;\nCOMMIT;"
