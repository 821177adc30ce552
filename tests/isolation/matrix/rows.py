"""The rows of tenants, made from the metadata: a new table is covered without further work."""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

from insula.core import clock
from insula.core.errors import NotFound
from insula.core.ids import new_id
from insula.core.settings import Settings
from insula.db.models import FREE
from insula.db.schema.base import metadata
from tests.isolation.matrix.holders import held_roles
from tests.isolation.matrix.kinds import ALIASES, ROWS, SKIPPED
from tests.isolation.matrix.tenant import AttackTenant, Person, Row, hashed
from tests.support.apps import audience
from tests.support.samples import referring_to, sample, tenant_of

Rows = dict[str, list[Row]]
_SAMPLE: Final = "sample-"
_RESOURCE: Final = audience(Settings(environment="test"), "tenants")
_ALIVE: Final = timedelta(days=1)
_JOB: Final = text("""
    INSERT INTO jobs.procrastinate_jobs (queue_name, task_name, queueing_lock, args, status, scheduled_at)
    VALUES ('default', 'auth.expire', null,
            jsonb_build_object('tenant_id', cast(:tenant_id as text), 'arguments', cast('{}' as jsonb)),
            'todo', now() + interval '10 years')
    RETURNING id
""")


def add_tenant(rows: Rows, tenant: AttackTenant, password_hash: str) -> None:
    """Add all rows of a tenant to ``rows``, and record its ids and texts."""
    own: Rows = {}
    parents: dict[str, Row] = {}
    for table in metadata.sorted_tables:
        if tenant_of(table) is None or table.name in SKIPPED:
            continue
        made = [_row(table, tenant, parents, given) for given in ROWS.get(table.name, _plain)(tenant)]
        parents[table.name] = made[0]
        own.setdefault(table.name, []).extend(made)
        if "id" in made[0]:
            tenant.ids[f"{table.name}_id"] = str(made[0]["id"])
    for person in tenant.people.values():
        add_person(own, person, password_hash)
        if person.role is not None:
            add_membership(own, tenant, person, person.role, person.membership)
    _add_secrets(own, tenant, password_hash)
    _add_session_of_client(own, tenant, parents["oauth_client"]["id"])
    _name(tenant, parents)
    client: Row = {"id": new_id(), "kind": "confidential", "secret_hash": b"no secret has this hash"}
    client |= {"grants": ["authorization_code"], "redirect_uris": ["https://app.example.com/callback"]}
    _add(rows, "first_party_client", client)
    tenant.ids["first_party_client_id"] = str(client["id"])
    for name, made in own.items():
        tenant.texts.update(found for row in made for found in _texts(tenant, row))
        rows.setdefault(name, []).extend(made)


def add_bare_tenant(rows: Rows, tenant: AttackTenant, password_hash: str) -> None:
    """Add a tenant that has only its owner."""
    for name in ("tenant", "entitlement"):
        table = metadata.tables[name]
        rows.setdefault(name, []).extend(_row(table, tenant, {}, given) for given in ROWS[name](tenant))
    owner = tenant.people["owner"]
    add_person(rows, owner, password_hash)
    add_membership(rows, tenant, owner, str(owner.role), owner.membership)


def add_person(rows: Rows, person: Person, password_hash: str | None = None) -> None:
    """Add a user with three sessions: one in use, another one, and one that has ended."""
    now = clock.now()
    fields: Row = {"email": person.email, "name": person.name, "status": person.status}
    fields["email_verified_at"] = now if person.verified else None
    _add(rows, "user", {"id": person.id, **fields})
    if password_hash is not None:
        _add(rows, "credential", {"user_id": person.id, "password_hash": password_hash})
    for session, revoked_at in ((person.session, None), (person.other_session, None), (person.ended_session, now)):
        times = {"expires_at": now + _ALIVE, "revoked_at": revoked_at}
        _add(rows, "auth_session", {"id": session, "user_id": person.id, **times})


def add_membership(rows: Rows, tenant: AttackTenant, person: Person, role: str, membership: UUID) -> None:
    """Add a person's membership in the tenant."""
    named = {"role": role, "email": person.email, "name": person.name}
    place = {"tenant_id": tenant.id, "id": membership, "user_id": person.id}
    _add(rows, "membership", {**place, **named})


def add_holder(rows: Rows, table: Table, person: Person, role: str) -> None:
    """Add a person and the row that gives them a role outside tenants."""
    add_person(rows, person)
    made = sample(table, new_id(), {})
    rows.setdefault(table.name, []).append({**made, "user_id": person.id, "role": role})


async def insert(connection: AsyncConnection, rows: Rows, tenants: Iterable[AttackTenant]) -> None:
    """Insert all rows, referenced ones first, and a job for each tenant."""
    own = [held.table for held in held_roles() if held.table.name not in metadata.tables]
    for table in (*metadata.sorted_tables, *own):
        if rows.get(table.name):
            await connection.execute(table.insert(), rows[table.name])
    for tenant in tenants:
        made = await connection.execute(_JOB, {"tenant_id": str(tenant.id)})
        tenant.ids["job_id"] = str(made.scalar_one())


def _plain(_tenant_of: AttackTenant) -> list[Row]:
    return [{}, {}]


def _row(table: Table, tenant: AttackTenant, parents: Mapping[str, Row], given: Row) -> Row:
    row = sample(table, tenant.id, parents)
    for column, value in row.items():
        if isinstance(value, str) and value.startswith(_SAMPLE):
            row[column] = f"{tenant.token}-{table.name}-{column}-{new_id().hex[-6:]}"
    return {**row, **given}


def _add(rows: Rows, table: str, given: Row) -> None:
    made = sample(metadata.tables[table], new_id(), {})
    rows.setdefault(table, []).append({**made, **given})


def _add_secrets(rows: Rows, tenant: AttackTenant, password_hash: str) -> None:
    member, newcomer = tenant.people["member"], tenant.people["newcomer"]
    later = clock.now() + timedelta(minutes=30)
    refresh = {"hash": hashed(tenant.refresh_token), "session_id": member.other_session, "expires_at": later}
    _add(rows, "refresh_token", {**refresh, "used_at": None})
    cookie = {"hash": hashed(tenant.browser_secret), "session_id": member.other_session, "chosen_tenant_id": tenant.id}
    _add(rows, "browser_session", {**cookie, "last_seen_at": clock.now()})
    verify = {"purpose": "verify", "name": newcomer.name, "password_hash": password_hash}
    reset = {"purpose": "reset", "name": None, "password_hash": None}
    for secret, person, what in ((tenant.verify_token, newcomer, verify), (tenant.reset_token, member, reset)):
        _add(rows, "email_token", {"hash": hashed(secret), "user_id": person.id, "expires_at": later, **what})


def _add_session_of_client(rows: Rows, tenant: AttackTenant, client_id: object) -> None:
    """Add the session that the tenant's OAuth client got for a member, and its refresh token."""
    session, later = new_id(), clock.now() + timedelta(minutes=30)
    bounds = {"client_id": client_id, "resource": _RESOURCE, "bound_tenant_id": tenant.id}
    member = {"user_id": tenant.people["member"].id, "expires_at": later}
    _add(rows, "auth_session", {"id": session, **member, **bounds, "revoked_at": None})
    token = {"hash": hashed(tenant.client_refresh_token), "session_id": session, "expires_at": later, "used_at": None}
    _add(rows, "refresh_token", token)


def _name(tenant: AttackTenant, parents: Mapping[str, Row]) -> None:
    """Set the values of parameters and fields that refer to the tenant's objects."""
    member, guest = tenant.people["member"], tenant.people["guest"]
    tenant.ids.update({alias: tenant.ids[name] for alias, name in ALIASES.items()})
    tenant.ids.update(dict.fromkeys(referring_to("membership"), str(member.membership)))
    tenant.ids.update(
        tenant_id=str(tenant.id),
        member_id=str(member.membership),
        user_id=str(member.id),
        actor_id=str(member.id),
        created_by=str(tenant.people["owner"].id),
        login_id=str(member.other_session),
        session_id=str(guest.other_session),
        owner_email=tenant.people["owner"].email,
        name=f"{tenant.token}.eml",
        search=tenant.token,
        plan=FREE,
        token=tenant.invitation_token,
        refresh_token=tenant.refresh_token,
        browser_secret=tenant.browser_secret,
        password=tenant.password,
        current_password=tenant.password,
        tenant=tenant.slug,
        error_code=NotFound.code,
        mount="api",
        resource=_RESOURCE,
    )
    tenant.ids["name of the tenant"] = str(parents["tenant"]["name"])
    if "entitlement_override" in parents:
        tenant.ids["entitlement_key"] = str(parents["entitlement_override"]["key"])
    tenant.ids["public email"] = member.email
    web = parents["oauth_client"]
    tenant.ids["web client_id"] = str(web["id"])
    tenant.ids["web redirect_uri"] = f"https://{tenant.token}.example/callback"
    # Unique in each world: invitations to one address are counted over all tenants.
    tenant.ids["POST /api/v1/invitations email"] = f"invited@{secrets.token_hex(8)}.example.org"
    tenant.ids["POST /auth/token client_id"] = str(tenant.machine.id)
    tenant.ids["POST /auth/token client_secret"] = tenant.machine.text
    tenant.ids["web client_secret"] = tenant.machine.text
    tenant.ids["client refresh_token"] = tenant.client_refresh_token
    tenant.ids["POST /auth/verify token"] = tenant.verify_token
    tenant.ids["POST /auth/password/reset/confirm token"] = tenant.reset_token


def _texts(tenant: AttackTenant, row: Row) -> set[str]:
    ids = [value for value in row.values() if isinstance(value, UUID)]
    words = {text for value in row.values() for text in _strings(value) if tenant.token in text}
    return words | {str(value) for value in ids} | {value.hex for value in ids}


def _strings(value: object) -> Iterator[str]:
    """Yield the texts in a value, also inside JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _strings([*value.keys(), *value.values()])
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)
