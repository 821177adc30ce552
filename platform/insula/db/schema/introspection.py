"""Rights read from PostgreSQL's catalogue, in the terms of ``insula.db.schema.rights``."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from sqlalchemy import text
from sqlalchemy.engine import Connection

from insula.db.engine.roles import OWNER
from insula.db.schema.declarations import Declarations
from insula.db.schema.grants import SYSTEM_COLUMNS, TENANT_POLICY, tenant_column
from insula.db.schema.rights import Right

TableGrant = tuple[str, str, str, tuple[str, ...]]
"""Role, table, command, columns; no columns means the whole table."""

TablePolicy = tuple[str, str, str, tuple[str, ...], str | None, str | None]
"""Table, name, command, roles, USING, WITH CHECK."""

_GRANTS: Final = text("""
SELECT coalesce(grantee.rolname, 'PUBLIC') AS grantee, relation.relname AS table, acl.privilege_type AS command,
       array_remove(array_agg(acl.attname ORDER BY acl.attname), NULL) AS columns, acl.whole
FROM (
    SELECT oid AS relid, NULL::name AS attname, true AS whole, (aclexplode(relacl)).*
    FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    UNION ALL
    SELECT attrelid, attname, false, (aclexplode(attacl)).* FROM pg_attribute WHERE NOT attisdropped
) AS acl
JOIN pg_class AS relation ON relation.oid = acl.relid
LEFT JOIN pg_roles AS grantee ON grantee.oid = acl.grantee
WHERE relation.relnamespace = 'public'::regnamespace AND acl.grantee <> relation.relowner
  AND NOT EXISTS (
      SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = relation.oid AND deptype = 'e'
  )
GROUP BY 1, 2, 3, 5
""")
_POLICIES: Final = text("""
SELECT tablename, policyname, cmd, roles::text[] AS roles, qual, with_check
FROM pg_policies WHERE schemaname = 'public'
""")
_TABLES: Final = text("""
SELECT relation.relname AS name, relation.relrowsecurity AS enabled, relation.relforcerowsecurity AS forced,
       array_agg(attribute.attname::text) AS columns
FROM pg_class AS relation JOIN pg_attribute AS attribute ON attribute.attrelid = relation.oid
WHERE relation.relnamespace = 'public'::regnamespace AND relation.relkind IN ('r', 'p')
  AND attribute.attnum > 0 AND NOT attribute.attisdropped
  AND NOT EXISTS (
      SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = relation.oid AND deptype = 'e'
  )
GROUP BY relation.oid
""")
_NO_TENANT: Final = "true"


class Table:
    """A table as it exists: its name, columns, tenant column and row-level security."""

    def __init__(self, name: str, columns: Iterable[str], *, secured: bool) -> None:
        self.name = name
        self.columns = frozenset(columns)
        self.tenant = tenant_column(name, set(self.columns))
        self.secured = secured


def tables(connection: Connection) -> list[Table]:
    """Return the tables of the public schema."""
    return [Table(row.name, row.columns, secured=row.enabled and row.forced) for row in connection.execute(_TABLES)]


def granted(connection: Connection) -> set[TableGrant]:
    """Return every grant on the public schema's relations, except the owner's."""
    return {(row.grantee, row.table, row.command, tuple(row.columns)) for row in connection.execute(_GRANTS)}


def policies(connection: Connection) -> set[TablePolicy]:
    """Return every policy, with its expressions as PostgreSQL prints them."""
    return {
        (row.tablename, row.policyname, row.cmd, tuple(row.roles), row.qual, row.with_check)
        for row in connection.execute(_POLICIES)
    }


def rights_so_far(table: Table, declared: Declarations) -> Iterator[Right]:
    """Yield the declared rights on the columns that exist so far; the migration that adds a column grants it."""
    for right in declared.rights_on(table.name):
        columns = tuple(column for column in right.columns if column in table.columns | SYSTEM_COLUMNS)
        if columns or not right.columns:
            yield replace(right, columns=columns)


def spelled_out(table: Table, rights: Iterable[Right]) -> Iterator[Right]:
    """Yield the rights as ``insula.db.schema.grants`` grants them: UPDATE of all columns, column by column."""
    for right in rights:
        whole = right.command == "UPDATE" and not right.columns
        yield replace(right, columns=tuple(sorted(table.columns))) if whole else right


def declared_grants(rights: Iterable[Right]) -> set[TableGrant]:
    """Return the grants that these rights lead to."""
    return {
        (right.role, right.table, right.command, tuple(sorted(right.columns)))
        for right in rights
        if right.role != OWNER  # it owns the table, and needs a policy but no grant
    }


def declared_policies(table: Table, rights: Iterable[Right]) -> set[TablePolicy]:
    """Return the policies that the table should have, given its rights."""
    if table.tenant is None:
        return set()
    mine = f"({table.tenant} = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)"
    crossing = {_crossing(right) for right in rights if right.crosses}
    return {(table.name, TENANT_POLICY, "ALL", ("public",), mine, mine), *crossing}


def _crossing(right: Right) -> TablePolicy:
    using = None if right.command == "INSERT" else _NO_TENANT
    check = _NO_TENANT if right.command in ("INSERT", "UPDATE") else None
    return (right.table, right.policy, right.command, (right.role,), using, check)


def _granted_as_declared(table: Table, declared: Declarations) -> set[TableGrant]:
    return declared_grants(spelled_out(table, declared.rights_on(table.name)))


def drifted(connection: Connection, declared: Declarations) -> list[str]:
    """Return the tables whose grants, policies or row-level security are not as declared."""
    grants, found = granted(connection), policies(connection)
    return [
        table.name
        for table in tables(connection)
        if _granted_as_declared(table, declared) != {grant for grant in grants if grant[1] == table.name}
        or declared_policies(table, declared.rights_on(table.name))
        != {policy for policy in found if policy[0] == table.name}
        or (table.tenant is not None and not table.secured)
    ]
