"""Staff register, change, rotate and revoke the platform's own OAuth clients, in every process within a second."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from pydantic import MISSING

from admin.oauth_clients import queries
from admin.oauth_clients.acts import Act
from admin.oauth_clients.errors import FirstPartyClientRevoked, FirstPartyClientWithoutSecret
from admin.oauth_clients.permissions import Action
from admin.oauth_clients.schemas import (
    FirstPartyClientCreate,
    FirstPartyClientList,
    FirstPartyClientRotate,
    FirstPartyClientUpdate,
)
from admin.staff_lock import lock_staff
from insula.audit import record, snapshot
from insula.core.errors import InvalidRequest, NotFound
from insula.core.ids import new_id
from insula.core.preconditions import Precondition
from insula.db.models import FirstPartyClient
from insula.identity.credentials.rotation import replace_secret, revoke_secrets
from insula.identity.oauth.client_secrets import digest_of, new_secret
from insula.identity.oauth.registration import ClientKind, contradictions, without_repeats
from insula.scope import StaffScope


class Issued(NamedTuple):
    """A client's row and its secret, which is shown only now; a public client has none."""

    row: FirstPartyClient
    secret: str | None


async def listing(scope: StaffScope, params: FirstPartyClientList) -> tuple[Sequence[FirstPartyClient], int]:
    """Return one page of the clients and how many match in all."""
    return await queries.page(scope.unit.session, params)


async def get(scope: StaffScope, client_id: UUID, *, for_update: bool = False) -> FirstPartyClient:
    """Return the client, or raise NotFound."""
    client = await queries.find(scope.unit.session, client_id, for_update=for_update)
    if client is None:
        raise NotFound
    return client


async def create(scope: StaffScope, body: FirstPartyClientCreate) -> Issued:
    """Register a client."""
    grants = sorted(set(body.grants))
    if wrong := contradictions(body.kind, grants, body.redirect_uris, body.post_logout_redirect_uris):
        raise InvalidRequest(fields=wrong)
    await lock_staff(scope, Action.CREATE)
    client_id = new_id()
    secret = new_secret(client_id) if body.kind is ClientKind.CONFIDENTIAL else None
    row = FirstPartyClient(
        id=client_id,
        name=body.name,
        kind=body.kind,
        redirect_uris=without_repeats(body.redirect_uris),
        post_logout_redirect_uris=without_repeats(body.post_logout_redirect_uris),
        grants=list(grants),
        secret_hash=digest_of(secret) if secret is not None else None,
        created_by=scope.principal.user_id,
    )
    scope.unit.session.add(row)
    await scope.unit.session.flush()
    record(scope, Act.CREATED, object_type="first_party_client", object_id=client_id, after=snapshot(row))
    return Issued(row, secret)


async def update(
    scope: StaffScope, client_id: UUID, body: FirstPartyClientUpdate, precondition: Precondition
) -> FirstPartyClient:
    """Change the fields in ``body``."""
    await lock_staff(scope, Action.UPDATE)
    row = await _live(scope, client_id)
    precondition.check(row.version)
    before = snapshot(row)
    changes = body.changes()
    if body.redirect_uris is not MISSING:
        changes["redirect_uris"] = without_repeats(body.redirect_uris)
    if body.post_logout_redirect_uris is not MISSING:
        changes["post_logout_redirect_uris"] = without_repeats(body.post_logout_redirect_uris)
    row.sqlmodel_update(changes)
    await scope.unit.session.flush()
    after = snapshot(row)
    record(scope, Act.UPDATED, object_type="first_party_client", object_id=client_id, before=before, after=after)
    return row


async def rotate(scope: StaffScope, client_id: UUID, body: FirstPartyClientRotate) -> Issued:
    """Give a live confidential client a new secret. The current one works until the overlap ends; an older one ends."""
    await lock_staff(scope, Action.ROTATE)
    row = await _live(scope, client_id)
    if row.secret_hash is None:
        raise FirstPartyClientWithoutSecret
    before = snapshot(row)
    secret = new_secret(client_id)
    replace_secret(row, digest_of(secret), body)
    await scope.unit.session.flush()
    after = snapshot(row)
    record(scope, Act.ROTATED, object_type="first_party_client", object_id=client_id, before=before, after=after)
    return Issued(row, secret)


async def revoke(scope: StaffScope, client_id: UUID, precondition: Precondition) -> None:
    """Revoke the client with its secrets, tokens and sessions. Revoking it again changes nothing."""
    await lock_staff(scope, Action.REVOKE)
    row = await get(scope, client_id, for_update=True)
    precondition.check(row.version)
    if row.revoked_at is not None:
        return
    before = snapshot(row)
    revoke_secrets(row)
    await scope.unit.session.flush()
    await queries.end_sessions(scope.unit.session, client_id)
    after = snapshot(row)
    record(scope, Act.REVOKED, object_type="first_party_client", object_id=row.id, before=before, after=after)


async def _live(scope: StaffScope, client_id: UUID) -> FirstPartyClient:
    row = await get(scope, client_id, for_update=True)
    if row.revoked_at is not None:
        raise FirstPartyClientRevoked
    return row
