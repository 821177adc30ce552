"""One tenant of the attacks, with its people, keys and secrets; attacker and victim have the same structure."""

import hashlib
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from uuid import UUID

from insula.access import Role
from insula.core.ids import new_id, new_secret
from insula.db.models import ACTIVE
from insula.identity.credentials.api_keys import new_key
from insula.identity.oauth.client_secrets import new_secret as new_client_secret
from tenants.invitations.tokens import new_token

Row = dict[str, object]
OUTSIDERS: Final = ("guest", "removed", "newcomer")
"""Users who are not members of the tenant: one invited, one removed, and one not yet verified."""


@dataclass(frozen=True)
class Person:
    email: str
    name: str
    role: str | None = None
    status: str = ACTIVE
    verified: bool = True
    id: UUID = field(default_factory=new_id)
    session: UUID = field(default_factory=new_id)
    other_session: UUID = field(default_factory=new_id)
    ended_session: UUID = field(default_factory=new_id)
    membership: UUID = field(default_factory=new_id)
    second_membership: UUID = field(default_factory=new_id)


@dataclass(frozen=True)
class Key:
    id: UUID
    text: str
    actions: frozenset[str]


@dataclass(frozen=True)
class AttackTenant:
    """``token`` is part of every text of the tenant, so that one search finds them all."""

    token: str
    password: str
    people: Mapping[str, Person]
    keys: Mapping[str, Key]
    roles: Mapping[str, frozenset[str]]
    """Its custom roles and their actions; one person has each."""
    status: str
    id: UUID
    invitation_id: UUID
    invitation_token: str
    machine: Key
    """An OAuth client that acts for itself, with its secret and its scopes."""
    revoked_machine: Key
    ids: dict[str, str] = field(default_factory=dict)
    texts: set[str] = field(default_factory=set)
    """Every text and every id in its rows."""
    refresh_token: str = field(default_factory=lambda: new_secret("insula_rt"))
    client_refresh_token: str = field(default_factory=lambda: new_secret("insula_rt"))
    """The refresh token that its OAuth client got for its member."""
    browser_secret: str = field(default_factory=lambda: new_secret("insula_bs"))
    """The secret in the session's cookie of a browser of its member."""
    verify_token: str = field(default_factory=lambda: new_secret("insula_ev"))
    reset_token: str = field(default_factory=lambda: new_secret("insula_pr"))
    challenge: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def slug(self) -> str:
        return f"s-{self.token}"

    @property
    def former_slug(self) -> str:
        return f"f-{self.token}"

    @property
    def host(self) -> str:
        """A verified domain of its own."""
        return f"{self.token}.example.com"

    @property
    def pending_host(self) -> str:
        return f"new.{self.token}.example.com"

    @property
    def canaries(self) -> frozenset[str]:
        """Texts that nobody outside the tenant may see; ids occur with and without dashes."""
        hosts = {self.pending_host}
        kept = {self.invitation_token, self.refresh_token, self.verify_token, self.reset_token, self.challenge}
        kept |= {self.browser_secret, self.machine.text, self.client_refresh_token}
        return frozenset(self.texts | hosts | kept | {key.text for key in self.keys.values()})


def new_tenant(
    prefix: str,
    *,
    password: str,
    key_actions: Mapping[str, Collection[str]],
    roles: Mapping[str, frozenset[str]] = MappingProxyType({}),
    status: str = ACTIVE,
) -> AttackTenant:
    """Return a tenant that is not in the database yet; ``key_actions`` are its API keys' actions by purpose."""
    token, tenant_id, invitation_id = prefix + secrets.token_hex(8), new_id(), new_id()
    return AttackTenant(
        token=token,
        password=password,
        people=_people(token, roles),
        roles=roles,
        keys={purpose: _key(tenant_id, actions) for purpose, actions in key_actions.items()},
        status=status,
        id=tenant_id,
        invitation_id=invitation_id,
        invitation_token=new_token(tenant_id, invitation_id),
        machine=_machine(key_actions["key"]),
        revoked_machine=_machine(key_actions["key"]),
    )


def hashed(secret: str) -> bytes:
    """Return the stored hash of a refresh token or a link's secret."""
    return hashlib.sha256(secret.encode()).digest()


def _people(token: str, custom_roles: Collection[str]) -> dict[str, Person]:
    roles: dict[str, str | None] = {str(role): str(role) for role in (*Role, *custom_roles)}
    roles |= {"second owner": Role.OWNER, "suspended": Role.OWNER, **dict.fromkeys(OUTSIDERS)}
    return {
        name: Person(
            email=f"{name.replace(' ', '-')}@{token}.example.com",
            name=f"{token} {name}",
            role=role,
            status="suspended" if name == "suspended" else ACTIVE,
            verified=name != "newcomer",
        )
        for name, role in roles.items()
    }


def _key(tenant_id: UUID, actions: Collection[str]) -> Key:
    key_id = new_id()
    return Key(key_id, new_key(tenant_id, key_id), frozenset(actions))


def _machine(scopes: Collection[str]) -> Key:
    client_id = new_id()
    return Key(client_id, new_client_secret(client_id), frozenset(scopes))
