"""The kernel's tables. The apps' own tables are in the apps."""

from insula.db.models.api_keys import ApiKey
from insula.db.models.audit import AuditEvent, AuditHead
from insula.db.models.authorizations import AuthorizationCode, OAuthConsent
from insula.db.models.email_tokens import EmailToken
from insula.db.models.entitlements import Entitlement, TenantUsage
from insula.db.models.idempotency import IdempotencyRecord
from insula.db.models.jobs import JobEffect
from insula.db.models.memberships import Membership
from insula.db.models.oauth_clients import FirstPartyClient, OAuthClient
from insula.db.models.roles import CustomRole
from insula.db.models.sessions import AuthSession, BrowserSession, RefreshToken, SigningKey
from insula.db.models.tenants import ACTIVE, FREE, SUSPENDED, Tenant, TenantDomain, TenantSlug, TenantStatus
from insula.db.models.users import Credential, Staff, User

__all__ = [
    "ACTIVE",
    "FREE",
    "SUSPENDED",
    "ApiKey",
    "AuditEvent",
    "AuditHead",
    "AuthSession",
    "AuthorizationCode",
    "BrowserSession",
    "Credential",
    "CustomRole",
    "EmailToken",
    "Entitlement",
    "FirstPartyClient",
    "IdempotencyRecord",
    "JobEffect",
    "Membership",
    "OAuthClient",
    "OAuthConsent",
    "RefreshToken",
    "SigningKey",
    "Staff",
    "Tenant",
    "TenantDomain",
    "TenantSlug",
    "TenantStatus",
    "TenantUsage",
    "User",
]
