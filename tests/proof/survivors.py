"""Mutants that nothing can kill, since what they take away is kept by something else or was never there."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

EXPLAINED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "repeated: any tenant's key": (
            "Row-level security shows the query the records of the transaction's own tenant; its condition on the"
            " tenant only lets the index be used."
        ),
        "reads: no fence": (
            "The other side of the join still runs first, by its place; the fence makes that certain. Were it"
            " otherwise, a read would see no row, never another tenant's."
        ),
        "reads: a cancelled one's connection is used again": (
            "The driver lets the next statement wait until the cancelled one has ended, and a connection that is closed"
            " or in a transaction is replaced when it is taken."
        ),
        "tenant_domain: uq_tenant_domain_tenant_id_host crosses tenants": (
            "A host is one tenant's of all, as the rights declare: there is an index on it alone, to which this one"
            " adds nothing."
        ),
        "tenant_slug: pk_tenant_slug crosses tenants": (
            "A slug is one tenant's for ever, as the rights declare: there is an index on it alone, to which this one"
            " adds nothing."
        ),
    }
)
"""By the mutant's name. One that dies after all, and one that is not there any more, must be taken out of here."""
