"""Factories of rows, inserted as the superuser, who bypasses every policy."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final, NamedTuple
from uuid import UUID

import pytest
from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from insula.core import clock
from insula.core.ids import new_id
from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.db.models import (
    ACTIVE,
    ApiKey,
    AuthSession,
    Credential,
    CustomRole,
    Entitlement,
    FirstPartyClient,
    Membership,
    OAuthClient,
    OAuthConsent,
    Staff,
    Tenant,
    TenantDomain,
    User,
)
from insula.db.schema.base import metadata
from insula.identity import hash_password
from insula.identity.credentials.api_keys import digest_of, new_key
from insula.identity.oauth import client_secrets
from tenants.invitations.models import Invitation
from tenants.invitations.tokens import digest, new_token
from tests.probe.plans import GRANTED
from tests.support.apps import DECLARED
from tests.support.cluster import superuser_url
from tests.support.samples import sample

PLANS: Final[Mapping[str, Mapping[str, int]]] = {
    "free": {"requests_per_minute": 60, "projects": 3, "items": 1_000, "seats": 5, **GRANTED["free"]},
    "pro": {"requests_per_minute": 6_000, "projects": 100, "items": 100_000, "seats": 50, **GRANTED["pro"]},
}
"""The amounts that the plans grant after the migrations: billing's and the probe's."""

_JOB: Final = text("""
    INSERT INTO jobs.procrastinate_jobs (queue_name, task_name, queueing_lock, args, status, scheduled_at)
    VALUES ('default', :task_name, :queueing_lock, CAST(:args AS jsonb),
            CAST(:status AS jobs.procrastinate_job_status), now() + interval '10 years')
    RETURNING id
""")

TenantRow = Tenant
UserRow = User


class MadeKey(NamedTuple):
    """An API key's id, and the key with its secret."""

    id: UUID
    key: str

    @property
    def headers(self) -> dict[str, str]:
        """The headers of a request that presents the key."""
        return {"X-API-Key": self.key}


class MadeClient(NamedTuple):
    """An OAuth client's id, and its secret; a public client has none."""

    id: UUID
    secret: str | None


class Factories:
    """Inserts rows. Their names are unique, so that tests do not interfere."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._hashes: dict[str, str] = {}

    async def tenant(
        self,
        plan: str = "free",
        slug: str | None = None,
        entitlements: Mapping[str, int] | None = None,
        *,
        name: str | None = None,
        status: str = ACTIVE,
    ) -> TenantRow:
        """Return a new active tenant with its plan's entitlements, or exactly those given."""
        tenant_id = new_id()
        slug = slug or f"t-{tenant_id.hex}"
        tenant = Tenant(id=tenant_id, slug=slug, name=name or slug.title(), plan=plan, status=status)
        granted = PLANS[plan] if entitlements is None else entitlements
        rights = (Entitlement(tenant_id=tenant_id, key=key, value=value) for key, value in granted.items())
        await self.insert(tenant, *rights)
        return tenant

    async def user(
        self,
        password: str | None = None,
        email: str | None = None,
        *,
        name: str | None = None,
        status: str = ACTIVE,
    ) -> UserRow:
        """Return a new active user; with a password, one who can log in."""
        user_id = new_id()
        user = User(
            id=user_id,
            email=email or f"u-{user_id.hex}@example.com",
            name=name or f"User {user_id.hex[-6:]}",
            status=status,
            email_verified_at=clock.now(),
        )
        await self.insert(user)
        if password is not None:
            if password not in self._hashes:
                self._hashes[password] = await hash_password(password)
            await self.insert(Credential(user_id=user_id, password_hash=self._hashes[password]))
        return user

    async def member(self, tenant: TenantRow, role: str = "member", user: UserRow | None = None) -> UserRow:
        """Return a user, new unless given, who has this role in the tenant."""
        user = user or await self.user()
        await self.membership(tenant, role, user)
        return user

    async def membership(self, tenant: TenantRow, role: str = "member", user: UserRow | None = None) -> Membership:
        """Return a membership in the tenant of a user, new unless given."""
        user = user or await self.user()
        member = Membership(tenant_id=tenant.id, user_id=user.id, role=role, email=user.email, name=user.name)
        await self.insert(member)
        return member

    async def role(self, tenant: TenantRow, *permissions: str, key: str | None = None) -> CustomRole:
        """Return a custom role of the tenant."""
        key = key or f"role-{new_id().hex[-12:]}"
        role = CustomRole(tenant_id=tenant.id, key=key, name=key.title(), permissions=sorted(permissions))
        await self.insert(role)
        return role

    async def invitation(
        self, tenant: TenantRow, inviter: UserRow, *, to: str, role: str = "member", days: float = 7
    ) -> tuple[Invitation, str]:
        """Return an invitation by ``inviter`` and its token; it expires after ``days``."""
        invitation_id = new_id()
        token = new_token(tenant.id, invitation_id)
        invitation = Invitation(
            tenant_id=tenant.id,
            id=invitation_id,
            email=to,
            role=role,
            token_hash=digest(token),
            invited_by=inviter.id,
            expires_at=clock.now() + timedelta(days=days),
        )
        await self.insert(invitation)
        return invitation, token

    async def staff(self, role: str = "superuser", user: UserRow | None = None) -> UserRow:
        """Return a staff user, new unless given."""
        user = user or await self.user()
        await self.insert(Staff(user_id=user.id, role=role))
        return user

    async def domain(self, tenant: TenantRow, host: str, *, verified: bool = True) -> TenantDomain:
        """Return a custom domain of the tenant."""
        domain = TenantDomain(tenant_id=tenant.id, host=host, verified_at=clock.now() if verified else None)
        await self.insert(domain)
        return domain

    async def api_key(self, tenant: TenantRow, *actions: str, **fields: datetime | UUID) -> MadeKey:
        """Return an API key of the tenant for ``actions``; ``fields`` are columns, such as ``expires_at``."""
        key_id = new_id()
        key = new_key(tenant.id, key_id)
        stored = ApiKey(tenant_id=tenant.id, id=key_id, name="Made", actions=list(actions), secret_hash=digest_of(key))
        await self.insert(stored.sqlmodel_update(fields))
        return MadeKey(key_id, key)

    async def oauth_client(
        self,
        tenant: TenantRow,
        *scopes: str,
        kind: str = "confidential",
        grants: Sequence[str] = ("client_credentials",),
        redirect_uris: Sequence[str] = (),
        post_logout_redirect_uris: Sequence[str] = (),
    ) -> MadeClient:
        """Return an OAuth client of the tenant, whose tokens can have ``scopes``."""
        client_id = new_id()
        secret = client_secrets.new_secret(client_id) if kind == "confidential" else None
        stored = OAuthClient(
            tenant_id=tenant.id,
            id=client_id,
            name="Made",
            kind=kind,
            redirect_uris=list(redirect_uris),
            post_logout_redirect_uris=list(post_logout_redirect_uris),
            grants=list(grants),
            scopes=list(scopes),
            secret_hash=client_secrets.digest_of(secret) if secret is not None else None,
        )
        await self.insert(stored)
        return MadeClient(client_id, secret)

    async def first_party_client(self, *redirect_uris: str, kind: str = "public") -> MadeClient:
        """Return a client of the platform itself."""
        client_id = new_id()
        secret = client_secrets.new_secret(client_id) if kind == "confidential" else None
        stored = FirstPartyClient(
            id=client_id,
            name=f"Made {client_id.hex}",
            kind=kind,
            redirect_uris=list(redirect_uris),
            grants=["authorization_code", "refresh_token"],
            secret_hash=client_secrets.digest_of(secret) if secret is not None else None,
        )
        await self.insert(stored)
        return MadeClient(client_id, secret)

    async def consent(self, tenant: TenantRow, client: MadeClient, user: UserRow, *scopes: str) -> UUID:
        """Return the id of the user's consent that the tenant's client has these scopes."""
        consent = OAuthConsent(tenant_id=tenant.id, client_id=client.id, user_id=user.id, scopes=sorted(scopes))
        await self.insert(consent)
        return consent.id

    async def session(self, user: UserRow) -> UUID:
        """Return the id of a new session of the user, for which tokens can be issued."""
        session = AuthSession(user_id=user.id, expires_at=clock.now() + timedelta(days=1))
        await self.insert(session)
        return session.id

    async def job(self, tenant: TenantRow | None = None, status: str = "todo", **fields: object) -> int:
        """Return the number of a job that no worker runs; ``fields`` are its columns, such as ``task_name``."""
        column = {"task_name": "billing.expire_overrides", "queueing_lock": None, **fields}
        args: dict[str, object] = {"tenant_id": str(tenant.id) if tenant else None, "arguments": {}}
        async with self._engine.begin() as connection:
            made = await connection.execute(_JOB, {**column, "args": json.dumps(args), "status": status})
            return int(made.scalar_one())

    async def insert_into(self, table: Table, *rows: Mapping[str, object]) -> None:
        """Insert rows of one table."""
        async with self._engine.begin() as connection:
            await connection.execute(table.insert(), rows)

    async def insert(self, *rows: SQLModel) -> None:
        """Insert rows of any table, in one transaction, in this order of tables."""
        async with AsyncSession(self._engine, expire_on_commit=False) as session:
            for _, same in groupby(rows, type):  # without relationships, the session does not know the tables' order
                session.add_all(same)
                await session.flush()
            await session.commit()

    async def row(self, table: str, tenant: TenantRow, **values: object) -> None:
        """Insert a tenant's row into the table of that name, with generated values for columns not given."""
        found = metadata.tables[table]
        async with self._engine.begin() as connection:
            await connection.execute(found.insert().values({**sample(found, tenant.id, {}), **values}))


@pytest.fixture(scope="session")
async def make(settings: Settings) -> AsyncIterator[Factories]:
    """Yield factories for this worker's database, over one connection, since tests insert many rows."""
    engine = create_async_engine(superuser_url(settings), pool_size=1, pool_pre_ping=True)
    yield Factories(engine)
    await engine.dispose()


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """Open a process's pools on this worker's database, for tests below the application."""
    database = await Database.open(settings, DECLARED.web_roles)
    yield database
    await database.close()
