"""The rules for API keys: creating, rotating, revoking. An API key itself can do none of these."""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from pydantic import MISSING

from insula.audit import record, snapshot
from insula.core import clock
from insula.core.errors import InvalidRequest, NotFound
from insula.core.ids import new_id
from insula.core.paging import Slice
from insula.core.preconditions import Precondition
from insula.db.models import ApiKey
from insula.identity.credentials.api_keys import digest_of, new_key
from insula.identity.credentials.rotation import replace_secret, revoke_secrets
from insula.limits import RATE
from insula.scope import Scope
from insula.scope.quotas import lock_quota
from tenants.api_keys import queries
from tenants.api_keys.acts import Act
from tenants.api_keys.errors import ActionNotYours, ApiKeyDead, RateAboveTenants
from tenants.api_keys.permissions import Action
from tenants.api_keys.schemas import ApiKeyCreate, ApiKeyList, ApiKeyRotate, ApiKeyUpdate
from tenants.people_lock import LockedCaller, locked_caller


class Issued(NamedTuple):
    """A key's row and its secret, which is shown only now."""

    row: ApiKey
    key: str


async def page(scope: Scope, params: ApiKeyList) -> Slice[ApiKey]:
    """Return one page of the tenant's keys."""
    return await queries.page(scope.unit.session, params)


async def get(scope: Scope, key_id: UUID, *, for_update: bool = False) -> ApiKey:
    """Return the key, or raise NotFound."""
    key = await queries.find(scope.unit.session, key_id, for_update=for_update)
    if key is None:
        raise NotFound
    return key


async def create(scope: Scope, body: ApiKeyCreate) -> Issued:
    """Make a key with at most the caller's own actions, within the plan's quota of live keys."""
    actions = _checked(scope, body.actions)
    creator = await locked_caller(scope, Action.CREATE)
    _check_may_grant(scope, creator, actions)
    _check_rate(scope, body.requests_per_minute)
    await lock_quota(scope, queries.API_KEYS)
    key_id = new_id()
    secret = new_key(scope.tenant.id, key_id)
    row = ApiKey(
        tenant_id=scope.tenant.id,
        id=key_id,
        name=body.name,
        actions=list(actions),
        secret_hash=digest_of(secret),
        created_by=creator.member.user_id,
        expires_at=body.expires_at,
        requests_per_minute=body.requests_per_minute,
    )
    scope.unit.session.add(row)
    await scope.unit.session.flush()
    record(scope, Act.CREATED, object_type="api_key", object_id=key_id, after=snapshot(row))
    return Issued(row, secret)


async def update(scope: Scope, key_id: UUID, body: ApiKeyUpdate, precondition: Precondition) -> ApiKey:
    """Change the fields in ``body``. The rate needs a permission of its own."""
    if body.requests_per_minute is not MISSING:
        await locked_caller(scope, Action.LIMIT)
        _check_rate(scope, body.requests_per_minute)
    row = await get(scope, key_id, for_update=True)
    precondition.check(row.version)
    before = snapshot(row)
    row.sqlmodel_update(body.changes())
    await scope.unit.session.flush()
    record(scope, Act.UPDATED, object_type="api_key", object_id=key_id, before=before, after=snapshot(row))
    return row


async def rotate(scope: Scope, key_id: UUID, body: ApiKeyRotate) -> Issued:
    """Give a live key a new secret. The current secret works until the overlap ends; an older one stops working.

    The caller gets the secret and so the key's actions, so their role must have these, as if they made the key.
    """
    caller = await locked_caller(scope, Action.ROTATE)
    row = await get(scope, key_id, for_update=True)
    if row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= clock.now()):
        raise ApiKeyDead
    _check_may_grant(scope, caller, row.actions)
    before = snapshot(row)
    secret = new_key(scope.tenant.id, key_id)
    replace_secret(row, digest_of(secret), body)
    row.sqlmodel_update(body.model_dump(include={"expires_at"}, exclude_unset=True))
    await scope.unit.session.flush()
    record(scope, Act.ROTATED, object_type="api_key", object_id=key_id, before=before, after=snapshot(row))
    return Issued(row, secret)


async def revoke(scope: Scope, key_id: UUID, precondition: Precondition) -> None:
    """Revoke the key with every secret it has. Revoking it again changes nothing."""
    row = await get(scope, key_id, for_update=True)
    precondition.check(row.version)
    if row.revoked_at is None:
        await _revoke(scope, row)


async def revoke_all(scope: Scope, created_by: UUID) -> Sequence[ApiKey]:
    """Revoke every live key that a user made, and return them. Raises NotFound if there is none.

    The lock on the tenant's members prevents that a key is created at the same time.
    """
    await locked_caller(scope, Action.REVOKE)
    rows = await queries.live_of(scope.unit.session, created_by, for_update=True)
    if not rows:
        raise NotFound
    for row in rows:
        await _revoke(scope, row)
    return rows


async def _revoke(scope: Scope, row: ApiKey) -> None:
    before = snapshot(row)
    revoke_secrets(row)
    await scope.unit.session.flush()
    record(scope, Act.REVOKED, object_type="api_key", object_id=row.id, before=before, after=snapshot(row))


def _checked(scope: Scope, actions: Collection[str]) -> Sequence[str]:
    """Return the actions, sorted. Raises InvalidRequest for an action that no key can have."""
    if unknown := sorted(set(actions) - scope.policy.for_keys):
        raise InvalidRequest(fields={"actions": f"no API key can have: {', '.join(unknown)}"})
    return sorted(set(actions))


def _check_may_grant(scope: Scope, granter: LockedCaller, actions: Collection[str]) -> None:
    if beyond := sorted(set(actions) - scope.policy.of_key(granter.permissions)):
        raise ActionNotYours(f"Your role lacks: {', '.join(beyond)}")


def _check_rate(scope: Scope, per_minute: int | None) -> None:
    most = scope.granted(RATE)
    if per_minute is not None and per_minute > most:
        raise RateAboveTenants(f"The tenant may make {most} requests a minute")
