"""Mutants that nothing can kill, since what they take away is kept by something else or was never there."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_ASKED_AGAIN: Final = (
    "Whoever decides over people, roles, invitations and keys is asked for the action once more by the service, behind"
    " the tenant's people lock."
)
_STAFF_ASKED_AGAIN: Final = (
    "The service checks once more, behind the lock for changes to people by staff, that the caller's role has the"
    " permission."
)
EXPLAINED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "repeated: any tenant's key": (
            "Row-level security shows the query the records of the transaction's own tenant; its condition on the"
            " tenant only lets the index be used."
        ),
        "DELETE /api/v1/members/me: for tenant:read": "Every role may do the one and the other. " + _ASKED_AGAIN,
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
            "The other side of the join still runs first, by its place; the fence makes that certain. Were it"
            " otherwise, a read would see no row, never another tenant's."
        ),
        "reads: a cancelled one's connection is used again": (
            "The driver lets the next statement wait until the cancelled one has ended, and a connection that is closed"
            " or in a transaction is replaced when it is taken."
        ),
        "billing_customer: policy tenant_isolation writes everywhere": (
            "No role may write customers, so that the policy for writing shows in nothing; the catalogue gate finds it."
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
