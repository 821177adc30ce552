"""A tenant's own host names. Many tenants can claim a name; it belongs to the tenant whose TXT record proves it.

A claim reveals nothing about other tenants' claims. If another tenant has already proved the host, a valid proof gets
the same answer as a missing one.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from insula.audit import record, snapshot
from insula.core import clock
from insula.core.errors import AppError, NotFound
from insula.core.paging import Slice
from insula.core.settings import Settings
from insula.db.models import TenantDomain
from insula.db.query.violations import violations_as
from insula.scope import Scope
from insula.scope.quotas import lock_quota
from insula.tenancy import CHALLENGE, Resolver, is_within
from tenants.domains import queries
from tenants.domains.acts import Act
from tenants.domains.errors import DomainExists, DomainNotProved, HostReserved
from tenants.domains.schemas import DomainCreate, DomainList

_VIOLATIONS: Final[Mapping[str, type[AppError]]] = {
    "uq_tenant_domain_tenant_id_host": DomainExists,
    "uq_tenant_domain_verified_host": DomainNotProved,
}


async def page(scope: Scope, params: DomainList) -> Slice[TenantDomain]:
    """Return one page of the tenant's domains."""
    return await queries.page(scope.unit.session, params)


async def get(scope: Scope, domain_id: UUID, *, for_update: bool = False) -> TenantDomain:
    """Return the domain, or raise NotFound."""
    domain = await queries.find(scope.unit.session, domain_id, for_update=for_update)
    if domain is None:
        raise NotFound
    return domain


async def create(scope: Scope, body: DomainCreate, settings: Settings) -> TenantDomain:
    """Claim a host, within the plan's quota. Raises HostReserved for the installation's own names."""
    if any(is_within(body.host, own) for own in own_hosts(settings)):
        raise HostReserved
    await lock_quota(scope, queries.DOMAINS)
    domain = TenantDomain(tenant_id=scope.tenant.id, host=body.host)
    scope.unit.session.add(domain)
    with violations_as(scope.unit, _VIOLATIONS):
        await scope.unit.session.flush()
    record(scope, Act.ADDED, object_type="domain", object_id=domain.id, after=snapshot(domain))
    return domain


async def verify(scope: Scope, domain_id: UUID, resolver: Resolver) -> TenantDomain:
    """Ask the DNS for the proof; from this commit on the host belongs to the tenant. Raises DomainNotProved."""
    async with scope.short_unit() as unit:  # ends before the DNS query, which may take seconds
        claim = await queries.find(unit.session, domain_id)
    if claim is None:
        raise NotFound
    if not await proved(claim, resolver):
        raise DomainNotProved
    domain = await get(scope, domain_id, for_update=True)
    before = snapshot(domain)
    domain.checked_at = clock.now()
    domain.verified_at = domain.verified_at or domain.checked_at
    domain.failing_since = None
    with violations_as(scope.unit, _VIOLATIONS):
        await scope.unit.session.flush()
    record(scope, Act.VERIFIED, object_type="domain", object_id=domain.id, before=before, after=snapshot(domain))
    return domain


async def delete(scope: Scope, domain_id: UUID) -> None:
    """Delete the host name; it is no longer served from this commit on."""
    domain = await get(scope, domain_id, for_update=True)
    await scope.unit.session.delete(domain)
    await scope.unit.session.flush()
    record(scope, Act.REMOVED, object_type="domain", object_id=domain_id, before=snapshot(domain))


async def proved(domain: TenantDomain, resolver: Resolver) -> bool:
    """Return whether the DNS contains the domain's token now."""
    return domain.token in await resolver.texts(f"{CHALLENGE}.{domain.host}")


def own_hosts(settings: Settings) -> frozenset[str]:
    """Return the host names of the installation itself; their subdomains belong to it, too."""
    public = urlsplit(settings.public_url).hostname or settings.base_domain
    return frozenset(name.lower() for name in (public, settings.base_domain, *settings.http.allowed_hosts))
