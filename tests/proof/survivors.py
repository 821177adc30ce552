"""Mutants that no test can kill, because another protection does the same or the removed one has no effect."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_ASKED_AGAIN: Final = (
    "For changes to people, roles, invitations and keys, the service checks the caller's action once more, behind"
    " the tenant's people lock."
)
_STAFF_ASKED_AGAIN: Final = (
    "The service checks once more, behind the lock for changes by staff to people, that the caller's role has the"
    " permission."
)
EXPLAINED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "repeated: any tenant's key": (
            "Row-level security already limits the query to the transaction's own tenant; the condition on the tenant"
            " only allows the use of the index."
        ),
        "DELETE /api/v1/members/me: for tenant:read": "Every role has both actions. " + _ASKED_AGAIN,
        **{
            f"{route}: for tenant:read": _ASKED_AGAIN
            for route in (
                "PATCH /api/v1/members/{member_id}",
                "DELETE /api/v1/members/{member_id}",
                "POST /api/v1/tenant/ownership",
                "POST /api/v1/roles",
                "PATCH /api/v1/roles/{role_id}",
                "DELETE /api/v1/roles/{role_id}",
                "POST /api/v1/invitations",
                "POST /api/v1/invitations/{invitation_id}/resend",
                "DELETE /api/v1/invitations/{invitation_id}",
                "POST /api/v1/api-keys",
                "POST /api/v1/api-keys/revoke",
                "POST /api/v1/api-keys/{key_id}/rotate",
            )
        },
        **{
            f"{route}: for staff.audit:read": _STAFF_ASKED_AGAIN
            for route in (
                "POST /admin/v1/users/{user_id}/suspend",
                "POST /admin/v1/users/{user_id}/reactivate",
                "DELETE /admin/v1/users/{user_id}/sessions/{login_id}",
                "POST /admin/v1/staff",
                "PATCH /admin/v1/staff/{staff_id}",
                "DELETE /admin/v1/staff/{staff_id}",
            )
        },
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
