"""The rows that requests target: everything of a tenant, and the rows that staff act on."""

import random
import re
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

from billing.overrides.models import EntitlementOverride
from billing.subscriptions.models import Subscription
from billing.webhooks.models import WebhookEvent
from insula.core import clock
from insula.core.ids import new_id
from insula.db.models import Membership, TenantDomain
from tests.fuzz.served import PROOF
from tests.isolation.matrix.kinds import ALIASES
from tests.isolation.matrix.routes import live_routes
from tests.support.app import PASSWORD
from tests.support.apps import INSTALLATION, TABLES
from tests.support.factories import Factories, TenantRow, UserRow
from tests.support.samples import Row, sample

PLENTY: Final = 1_000_000_000
Record = dict[str, str]
"""Ids of existing rows, by the names of path parameters."""

_HINTS: Final = {table: rows for each in INSTALLATION.resources for table, rows in each.attack.rows.items()}
_PARAMETERS: Final = frozenset(
    name
    for route in live_routes().values()
    if route.app == "tenants"
    for name in re.findall(r"{(\w+)}", route.template)
)


@dataclass
class FuzzTenant:
    """A tenant, its known rows, and the canary in all their names."""

    tenant: TenantRow
    canary: str
    owner: UserRow
    records: list[Record] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    makes: frozenset[str] = frozenset()
    """The path parameters for which ``stock`` adds records."""

    def learn(self, record: Record) -> None:
        """Remember a record as a target."""
        self.records.append(record)
        self.ids |= set(record.values())

    def forget(self, record: Record) -> None:
        """Remove the record from the targets; its owner stays known."""
        if record in self.records:
            self.records.remove(record)

    def pick(self, names: set[str], chance: random.Random) -> Record | None:
        """Return a record that has all of ``names``."""
        fitting = [record for record in self.records if names <= record.keys()]
        return chance.choice(fitting[-30:]) if fitting else None


@dataclass
class Things:
    """Makes the rows that routes need to succeed."""

    make: Factories
    chance: random.Random
    granted: frozenset[str]

    async def home(self) -> FuzzTenant:
        """Return a new tenant without limits, with one row of everything."""
        canary = f"canary{uuid4().hex[:12]}"
        entitlements = dict.fromkeys(self.granted, PLENTY)
        tenant = await self.make.tenant("pro", slug=canary, entitlements=entitlements, name=f"Tenant {canary}")
        await self.make.insert(Subscription(tenant_id=tenant.id, plan_key="pro", status="active"))
        owner = await self.person(canary)
        await self.make.membership(tenant, "owner", owner)
        await self.make.member(
            tenant, "owner", await self.person(canary)
        )  # a second owner, so that the first can leave
        home = FuzzTenant(tenant, canary, owner)
        await self.stock(home)
        return home

    async def person(self, word: str = "nobody") -> UserRow:
        """Return a user who can sign in, whose name and address contain ``word``."""
        email = f"{word}-{uuid4().hex}@example.com"
        return await self.make.user(password=PASSWORD, email=email, name=f"Ada {word}")

    async def stock(self, home: FuzzTenant) -> None:
        """Add one row of everything to ``home``."""
        tenant_id, mark = home.tenant.id, f"{home.canary} {uuid4().hex[:8]}"
        member = await self.make.membership(home.tenant, "member", await self.person(home.canary))
        domain = TenantDomain(tenant_id=tenant_id, id=new_id(), host=f"{uuid4().hex}.example.com", token=PROOF)
        await self.make.insert(domain)
        address = f"{home.canary}-{uuid4().hex}@example.com"
        invitation, _ = await self.make.invitation(home.tenant, home.owner, to=address)
        key = await self.make.api_key(home.tenant, "rack:read", created_by=member.user_id)
        record = {
            **await self._of_resources(home, mark, member),
            "member_id": str(member.id),
            "maker_id": str(member.user_id),
            "invitation_id": str(invitation.id),
            "key_id": str(key.id),
            "domain_id": str(domain.id),
            "session_id": str(await self.make.session(home.owner)),
        }
        home.makes = frozenset(record)
        home.learn(record)

    async def _of_resources(self, home: FuzzTenant, mark: str, member: Membership) -> Record:
        """Add a row to each table for which a resource declares ``AttackHints``; return their ids by parameter."""
        made: dict[str, Row] = {"membership": member.model_dump()}
        record: Record = {}
        for table in TABLES:
            names = [name for name in _PARAMETERS if ALIASES.get(name, name) == f"{table.name}_id"]
            if names and table.name in _HINTS:
                row = sample(table, home.tenant.id, made)
                row |= {name: mark for name, value in row.items() if str(value).startswith("sample-")}
                row |= {name: value for name, value in _HINTS[table.name][0].items() if value is not None}
                await self.make.insert_into(table, row)
                made[table.name] = row
                record |= dict.fromkeys(names, str(row["id"]))
        return record

    async def for_staff(self) -> Record:
        """Return rows that staff may suspend, end and dismiss; no other caller needs them."""
        owner = await self.person()
        tenant = await self.make.tenant("pro", entitlements={"requests_per_minute": 60, "seats": 3})
        await self.make.membership(tenant, "owner", owner)
        override = EntitlementOverride(tenant_id=tenant.id, key="seats", value=9, reason="Agreed", created_by=owner.id)
        now = clock.now()
        event = WebhookEvent(
            provider="stripe",
            event_id=f"evt_{uuid4().hex}",
            type="x",
            payload={},
            status="dead",
            attempts=8,
            next_attempt_at=now,
            received_at=now,
        )
        await self.make.insert(override)
        await self.make.insert(event)
        return {
            "tenant_id": str(tenant.id),
            "entitlement_key": override.key,
            "user_id": str(owner.id),
            "user_email": owner.email,
            "login_id": str(await self.make.session(owner)),
            "staff_id": str((await self.make.staff("support")).id),
            "event_id": str(event.id),
            "job_id": str(await self.make.job(tenant, self.chance.choice(("todo", "failed")))),
        }
