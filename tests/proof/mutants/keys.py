"""Keys without the tenant: references to another tenant's row, and constraints that collide with another tenant's."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from sqlalchemy import text
from sqlalchemy.engine import Connection

from tests.proof.mutants.schema_mutants import Probe, SchemaMutant

_REFERENCES: Final = text("""
SELECT conrelid::regclass::text AS relation, conname AS name, confrelid::regclass::text AS target,
       pg_get_constraintdef(oid) AS definition
FROM pg_constraint WHERE contype = 'f' AND cardinality(conkey) > 1 AND conrelid::regclass::text = ANY (:owned)
ORDER BY 1, 2
""")
_UNIQUE: Final = text("""
SELECT indrelid::regclass::text AS relation, indexrelid::regclass::text AS name,
       pg_get_indexdef(indexrelid) AS definition
FROM pg_index WHERE indisunique AND indnkeyatts > 1 AND indrelid::regclass::text = ANY (:owned)
ORDER BY 1, 2
""")
_LED: Final = "(tenant_id, "
_CHECK_ALONE: Final = frozenset(
    {
        # Two tenants cannot have the same value, so there is nothing to probe.
        "uq_audit_event_tenant_id_sequence",
        "pk_tenant_usage",
        # The rest of the key is declared as unique across tenants anyway, or is the id of a row.
        "pk_billing_customer",
        "uq_membership_tenant_id_user_id",
        "pk_oauth_client",
        "pk_tenant_domain",
        "uq_tenant_domain_tenant_id_host",
        "pk_tenant_slug",
    }
)


def key_mutants(connection: Connection, owned: Iterable[str]) -> Iterator[SchemaMutant]:
    """Remove the tenant from every foreign key and every unique constraint."""
    names = {"owned": list(owned)}
    for row in connection.execute(_REFERENCES, names):
        simple = re.sub(r"\(tenant_id, (\w+)\)", r"(\1)", row.definition)
        drop = f"ALTER TABLE {row.relation} DROP CONSTRAINT {row.name}"
        unique = f"ALTER TABLE {row.target} ADD CONSTRAINT without_tenant UNIQUE {_pointed_at(simple)}"
        add = f"ALTER TABLE {row.relation} ADD {simple}"
        yield SchemaMutant(f"{row.relation}: {row.name} is simple", (drop, unique, add), Probe(row.relation))
        yield SchemaMutant(f"{row.relation}: {row.name} is dropped", (drop,), Probe(row.relation))
    for row in connection.execute(_UNIQUE, names):
        if _LED in row.definition:
            crossing = row.definition.replace(_LED, "(", 1).replace(f" INDEX {row.name} ", " INDEX ", 1)
            witness = None if row.name in _CHECK_ALONE else Probe(row.relation)
            yield SchemaMutant(f"{row.relation}: {row.name} crosses tenants", (crossing,), witness)


def _pointed_at(reference: str) -> str:
    return reference.partition(" REFERENCES ")[2].partition("(")[2].partition(")")[0].join("()")
