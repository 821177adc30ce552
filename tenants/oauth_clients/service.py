"""The rules for a tenant's OAuth clients: registering, changing, rotating, revoking. No machine can do any of these."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from pydantic import MISSING

from insula.audit import record, snapshot
from insula.core.errors import InvalidRequest, NotFound
from insula.core.ids import new_id
from insula.core.paging import Slice
from insula.core.preconditions import Precondition
from insula.db.models import Membership, OAuthClient, OAuthConsent
from insula.identity.acts import ConsentAct
from insula.identity.credentials.claims import IDENTITY_SCOPES
from insula.identity.credentials.rotation import replace_secret, revoke_secrets
from insula.identity.oauth.client_secrets import digest_of, new_secret
from insula.identity.oauth.registration import ClientKind, Grant, contradictions, without_repeats
from insula.scope import Scope
from insula.scope.quotas import lock_quota
from tenants.oauth_clients import queries
from tenants.oauth_clients.acts import Act
from tenants.oauth_clients.errors import ClientRevoked, ClientWithoutSecret, ScopeNotYours
from tenants.oauth_clients.permissions import Action
from tenants.oauth_clients.schemas import (
    ClientConsentList,
    OAuthClientCreate,
    OAuthClientList,
    OAuthClientRotate,
    OAuthClientUpdate,
)
from tenants.people_lock import LockedCaller, locked_caller


class Issued(NamedTuple):
    """A client's row and its secret, which is shown only now; a public client has none."""

    row: OAuthClient
    secret: str | None


async def page(scope: Scope, params: OAuthClientList) -> Slice[OAuthClient]:
    """Return one page of the tenant's clients."""
    return await queries.page(scope.unit.session, params)


async def get(scope: Scope, client_id: UUID, *, for_update: bool = False) -> OAuthClient:
    """Return the client, or raise NotFound."""
    client = await queries.find(scope.unit.session, client_id, for_update=for_update)
    if client is None:
        raise NotFound
    return client


async def create(scope: Scope, body: OAuthClientCreate) -> Issued:
    """Register a client with at most the caller's own permissions, within the plan's quota of live clients."""
    grants = sorted(set(body.grants))
    if wrong := contradictions(body.kind, grants, body.redirect_uris, body.post_logout_redirect_uris):
        raise InvalidRequest(fields=wrong)
    scopes = _checked(scope, grants, body.scopes)
    creator = await locked_caller(scope, Action.CREATE)
    _check_may_grant(creator, scopes)
    await lock_quota(scope, queries.OAUTH_CLIENTS)
    client_id = new_id()
    secret = new_secret(client_id) if body.kind is ClientKind.CONFIDENTIAL else None
    row = OAuthClient(
        tenant_id=scope.tenant.id,
        id=client_id,
        name=body.name,
        kind=body.kind,
        redirect_uris=without_repeats(body.redirect_uris),
        post_logout_redirect_uris=without_repeats(body.post_logout_redirect_uris),
        grants=list(grants),
        scopes=list(scopes),
        secret_hash=digest_of(secret) if secret is not None else None,
        created_by=creator.member.user_id,
    )
    scope.unit.session.add(row)
    await scope.unit.session.flush()
    record(scope, Act.CREATED, object_type="oauth_client", object_id=client_id, after=snapshot(row))
    return Issued(row, secret)


async def update(scope: Scope, client_id: UUID, body: OAuthClientUpdate, precondition: Precondition) -> OAuthClient:
    """Change the fields in ``body``. The caller's role must have each new scope.

    Without a scope that users had agreed to, the client must ask them again, and its sessions for them end.
    Who moves the redirect URIs receives users' codes, so their role must have all scopes of the client.
    """
    changes = body.changes()
    caller = await locked_caller(scope, Action.UPDATE)
    row = await _live(scope, client_id)
    precondition.check(row.version)
    if body.scopes is not MISSING:
        changes["scopes"] = _checked(scope, row.grants, body.scopes)
        _check_may_grant(caller, set(changes["scopes"]) - set(row.scopes))
    changes |= _new_uris(row, body)
    if body.redirect_uris is not MISSING:
        _check_may_grant(caller, row.scopes)
    before, had = snapshot(row), set(row.scopes)
    row.sqlmodel_update(changes)
    await scope.unit.session.flush()
    if not had <= set(row.scopes):
        await queries.withdraw_consents(scope.unit.session, client_id, kept=set(row.scopes) | IDENTITY_SCOPES)
    record(scope, Act.UPDATED, object_type="oauth_client", object_id=client_id, before=before, after=snapshot(row))
    return row


async def rotate(scope: Scope, client_id: UUID, body: OAuthClientRotate) -> Issued:
    """Give a live confidential client a new secret. The current one works until the overlap ends; an older one ends.

    The caller gets the secret. With it a machine has the client's scopes, so their role must have these.
    """
    caller = await locked_caller(scope, Action.ROTATE)
    row = await _live(scope, client_id)
    if row.secret_hash is None:
        raise ClientWithoutSecret
    _check_may_grant(caller, row.scopes)
    before = snapshot(row)
    secret = new_secret(client_id)
    replace_secret(row, digest_of(secret), body)
    await scope.unit.session.flush()
    record(scope, Act.ROTATED, object_type="oauth_client", object_id=client_id, before=before, after=snapshot(row))
    return Issued(row, secret)


async def revoke(scope: Scope, client_id: UUID, precondition: Precondition) -> None:
    """Revoke the client with its secrets, tokens and sessions. Revoking it again changes nothing."""
    row = await get(scope, client_id, for_update=True)
    precondition.check(row.version)
    if row.revoked_at is not None:
        return
    before = snapshot(row)
    revoke_secrets(row)
    await scope.unit.session.flush()
    await queries.withdraw_consents(scope.unit.session, client_id)
    record(scope, Act.REVOKED, object_type="oauth_client", object_id=row.id, before=before, after=snapshot(row))


async def consents(
    scope: Scope, client_id: UUID, params: ClientConsentList
) -> tuple[Slice[OAuthConsent], Mapping[UUID, Membership]]:
    """Return one page of users' consents to the client, and the members among these users. Raises NotFound."""
    found = await queries.consents(scope.unit.session, client_id, params)
    if not found.rows:
        await get(scope, client_id)
        return found, {}
    return found, await queries.members(scope.unit.session, [consent.user_id for consent in found.rows])


async def withdraw_consent(scope: Scope, client_id: UUID, consent_id: UUID) -> None:
    """End a user's consent, with the sessions and tokens that the client got by it. Raises NotFound."""
    consent = await queries.withdraw_consent(scope.unit.session, client_id, consent_id)
    if consent is None:
        raise NotFound
    before = snapshot(consent)
    record(scope, ConsentAct.WITHDRAWN, object_type="oauth_consent", object_id=consent_id, before=before)


async def _live(scope: Scope, client_id: UUID) -> OAuthClient:
    row = await get(scope, client_id, for_update=True)
    if row.revoked_at is not None:
        raise ClientRevoked
    return row


def _new_uris(row: OAuthClient, body: OAuthClientUpdate) -> Mapping[str, list[str]]:
    """Return the changed redirect URIs. Raises InvalidRequest for some that the client cannot have."""
    changes: dict[str, list[str]] = {}
    if body.redirect_uris is not MISSING:
        changes["redirect_uris"] = without_repeats(body.redirect_uris)
    if body.post_logout_redirect_uris is not MISSING:
        changes["post_logout_redirect_uris"] = without_repeats(body.post_logout_redirect_uris)
    wanted = {"redirect_uris": row.redirect_uris, "post_logout_redirect_uris": row.post_logout_redirect_uris, **changes}
    if wrong := contradictions(ClientKind(row.kind), [Grant(name) for name in row.grants], **wanted):
        raise InvalidRequest(fields=wrong)
    return changes


def _checked(scope: Scope, grants: Collection[str], scopes: Collection[str]) -> Sequence[str]:
    """Return the scopes, sorted. Raises InvalidRequest for a scope that no client with these grants can have."""
    machine = Grant.CLIENT_CREDENTIALS in grants
    known = scope.policy.for_keys if machine else scope.policy.published.keys()
    if unknown := sorted(set(scopes) - known):
        whom = "no machine" if machine else "no client"
        raise InvalidRequest(fields={"scopes": f"{whom} can have: {', '.join(unknown)}"})
    return sorted(set(scopes))


def _check_may_grant(granter: LockedCaller, scopes: Collection[str]) -> None:
    if beyond := sorted(set(scopes) - granter.permissions):
        raise ScopeNotYours(f"Your role lacks: {', '.join(beyond)}")
