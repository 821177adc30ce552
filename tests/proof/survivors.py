"""Mutants that no test can kill, because another protection does the same or the removed one has no effect."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

EXPLAINED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "reads: no fence": (
            "The other side of the join still runs first, by its position; the fence makes that certain. Otherwise a"
            " read would see no row, never another tenant's."
        ),
        "reads: a cancelled one's connection is used again": (
            "The driver delays the next statement until the cancelled one has ended, and the pool replaces a connection"
            " that is closed or in a transaction when it is taken."
        ),
        "billing_customer: policy tenant_isolation writes everywhere": (
            "No role may write customers, so the policy for writing has no effect; the catalogue check finds it."
        ),
        "consents: anybody's are withdrawn": ("The statement that deletes the consent checks the user once more."),
        "oauth_client: pk_oauth_client crosses tenants": (
            "A client's id is declared as unique over all tenants, since a token request names only the client:"
            " there is an index on it alone, to which this one adds nothing."
        ),
        "tenant_domain: uq_tenant_domain_tenant_id_host crosses tenants": (
            "A host is declared as unique over all tenants: there is an index on it alone, to which this one adds"
            " nothing."
        ),
        "tenant_slug: pk_tenant_slug crosses tenants": (
            "A slug is declared as unique over all tenants: there is an index on it alone, to which this one adds"
            " nothing."
        ),
    }
)
"""Explanations by the mutant's name. Remove the entry of a mutant that is killed or no longer exists."""
