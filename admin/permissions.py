"""What staff may do over all tenants, and which staff role may: no tenant role ever has any of it."""

from typing import Final

from admin.audit.permissions import Action as AuditAction
from admin.background_jobs.permissions import Action as JobAction
from admin.overrides.permissions import Action as OverrideAction
from admin.sessions.permissions import Action as SessionAction
from admin.staff.permissions import Action as StaffAction
from admin.tenants.permissions import Action as TenantAction
from admin.users.permissions import Action as UserAction
from admin.webhooks.permissions import Action as WebhookAction
from insula.policy import Permission, grants_of

PERMISSIONS: Final[tuple[Permission, ...]] = (
    *TenantAction,
    *OverrideAction,
    *UserAction,
    *SessionAction,
    *StaffAction,
    *AuditAction,
    *JobAction,
    *WebhookAction,
)
GRANTS: Final = grants_of(PERMISSIONS)
