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
