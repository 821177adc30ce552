"""Compares the declared names with the models, to find a misspelt table or column at start, not in production."""

from collections.abc import Iterable, Iterator

from sqlalchemy import MetaData

from insula.core.errors import ManifestError
from insula.db.schema.declarations import Declarations, did_you_mean
from insula.db.schema.grants import SYSTEM_COLUMNS
from insula.db.schema.rights import FORMER_TABLE, Right

_WITHOUT_A_MODEL = {name: frozenset({"version_num"}) for name in ("schema_revision", FORMER_TABLE)}


def check(declared: Declarations, metadata: MetaData) -> Declarations:
    """Return the declarations. Raises ManifestError, whose message names every table and column that no model has."""
    columns = {name: frozenset(table.columns.keys()) for name, table in metadata.tables.items()} | _WITHOUT_A_MODEL
    if wrong := sorted({*_tables(declared, columns), *_columns(declared, columns), *_global(declared, columns)}):
        raise ManifestError("; ".join(wrong))
    return declared


def _owner(declared: Declarations, right: Right) -> str:
    return declared.owners[right.role, "may", right.command, right.table]


def _tables(declared: Declarations, columns: dict[str, frozenset[str]]) -> Iterator[str]:
    named = [(_owner(declared, right), right.table) for right in declared.rights]
    named += [("an exception", table) for table, _, _ in declared.exceptions]
    named += [("a counted table", table) for table in declared.counted]
    named += [("triggers", table) for table in declared.triggers]
    named += [("a global table", table) for table in declared.global_tables]
    for owner, table in named:
        if table not in columns:
            yield (
                f"{owner}: there is no model of the table {table!r}{did_you_mean(table, columns)}"
                " (correct the name, or import the module of its model)"
            )


def _columns(declared: Declarations, columns: dict[str, frozenset[str]]) -> Iterator[str]:
    for right in declared.rights:
        known = columns.get(right.table, frozenset(right.columns)) | SYSTEM_COLUMNS
        yield from _unknown(f"{_owner(declared, right)}: {right.role} may {right.command}", right, known)
    for table, rule, subject in declared.exceptions:
        known = columns.get(table, frozenset())
        names = columns.keys() if rule == "reference" else known
        for name in [subject] if rule == "reference" else subject.split(","):
            if known and name not in names:
                yield f"an exception of {table}: there is no {name!r}{did_you_mean(name, names)}"


def _unknown(what: str, right: Right, known: Iterable[str]) -> Iterator[str]:
    for column in set(right.columns).difference(known):
        yield f"{what} the column {right.table}.{column}, which its model lacks{did_you_mean(column, known)}"


def _global(declared: Declarations, columns: dict[str, frozenset[str]]) -> Iterator[str]:
    for table, names in columns.items():
        owned = table == "tenant" or "tenant_id" in names
        if owned and table in declared.global_tables:
            yield f"the table {table} has tenants' rows: do not declare it as global_table()"
        if not owned and table not in declared.global_tables:
            yield (
                f"the table {table} has no tenant_id: make its model TenantOwned,"
                f" or declare global_table({table!r}) if its rows belong to no tenant"
            )
