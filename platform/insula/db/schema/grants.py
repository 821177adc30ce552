"""Apply the declared row-level security, policies and grants to a table."""

from typing import Final

from sqlalchemy import inspect
from sqlalchemy.engine import Connection

from insula.db.engine.roles import OWNER
from insula.db.schema.declarations import Declarations
from insula.db.schema.rights import Right

TENANT_POLICY: Final = "tenant_isolation"
SYSTEM_COLUMNS: Final = frozenset({"ctid"})
"""Columns that every table has without a migration; cleanup jobs delete by them and read nothing else."""
ENTERED_TENANT: Final = "nullif(current_setting('app.tenant_id', true), '')::uuid"
"""The tenant that the transaction has entered, or NULL, as SQL."""


def tenant_column(table: str, columns: set[str]) -> str | None:
    """Return the column that holds a row's tenant, or None for a table without tenants' rows."""
    if table == "tenant":
        return "id"
    return "tenant_id" if "tenant_id" in columns else None


def apply_rights(connection: Connection, table: str, declared: Declarations) -> None:
    """Replace the row-level security, policies and grants of one table. Run as the owner."""
    columns = {column["name"] for column in inspect(connection).get_columns(table)}
    tenant = tenant_column(table, columns)
    statements = [*_drop_policies(connection, table), *_revoke(table, declared)]
    if tenant is not None:
        statements += _row_level_security(table, tenant)
    for right in declared.rights_on(table):
        statements += _grant(right, columns, policies=tenant is not None)
    for statement in statements:
        connection.exec_driver_sql(statement)


def _drop_policies(connection: Connection, table: str) -> list[str]:
    names = connection.exec_driver_sql(
        "SELECT policyname FROM pg_policies WHERE schemaname = 'public' AND tablename = $1", (table,)
    ).scalars()
    return [f'DROP POLICY "{name}" ON "{table}"' for name in names]


def _revoke(table: str, declared: Declarations) -> list[str]:
    everyone = ", ".join(["PUBLIC", *(role for role in declared.roles if role != OWNER)])
    return [f'REVOKE ALL ON "{table}" FROM {everyone}']


def _row_level_security(table: str, tenant: str) -> list[str]:
    mine = f"{tenant} = {ENTERED_TENANT}"
    return [
        f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY',
        f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY',
        f'CREATE POLICY {TENANT_POLICY} ON "{table}" USING ({mine}) WITH CHECK ({mine})',
    ]


def _grant(right: Right, columns: set[str], *, policies: bool) -> list[str]:
    """Grant on existing columns only; a later migration grants the columns that it adds.

    An UPDATE of all columns is granted column by column: UPDATE of the whole table would also allow LOCK TABLE.
    """
    wanted = sorted(columns) if right.command == "UPDATE" and not right.columns else right.columns
    named = [f'"{column}"' for column in wanted if column in columns | SYSTEM_COLUMNS]
    if right.columns and not named:
        return []
    what = f"{right.command} ({', '.join(named)})" if named else right.command
    statements = [f'GRANT {what} ON "{right.table}" TO {right.role}']
    if policies and right.crosses:
        rows = {"INSERT": "WITH CHECK (true)", "UPDATE": "USING (true) WITH CHECK (true)"}.get(
            right.command, "USING (true)"
        )
        statements.append(f'CREATE POLICY {right.policy} ON "{right.table}" FOR {right.command} TO {right.role} {rows}')
    return statements
