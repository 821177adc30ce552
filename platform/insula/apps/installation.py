"""``Installation``: a whole product, checked when it is constructed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, combinations
from pathlib import Path
from types import MappingProxyType
from typing import Final

from starlette.middleware import Middleware

from insula.access import Permission, Published, grants_of, published
from insula.access.entitlements import EntitlementRegistry
from insula.apps.demo import Seed
from insula.apps.manifest import App, Resource, check_variables, unique
from insula.apps.middleware import check_middleware
from insula.callers import roles_of
from insula.core.errors import ManifestError
from insula.core.look import DEFAULT_ACCENT, Look, checked_accent, checked_home, checked_logo, checked_name
from insula.core.settings import Settings, with_groups
from insula.db.schema.declarations import DatabasePart, Declarations, did_you_mean, merged
from insula.db.schema.kernel import KERNEL
from insula.db.schema.rights import may
from insula.identity.accounts.emails import EMAILS
from insula.jobs import Handler, Handlers, Periodic
from insula.limits import ENTITLEMENTS
from insula.mail import EmailTemplate
from insula.tenancy import NewTenants

_NO_AMOUNTS: Final[Mapping[str, int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """The product's name and look, on pages and in emails, and the texts of its home page.

    ``accent`` is the colour of buttons and links, readable on white; ``logo`` an .svg, .png or .webp file; ``home_url``
    the address of the product for its users. The settings ``INSULA_BRAND_...`` of a deployment override these.

    For the OpenAPI documents: ``license`` is the SPDX identifier of the API's licence, and ``contact`` the URL or email
    address for questions about it.
    """

    name: str
    claim: str
    description: str
    accent: str = DEFAULT_ACCENT
    logo: Path | None = None
    home_url: str = "/"
    license: str = ""
    contact: str = ""

    def __post_init__(self) -> None:
        """Check that the name is valid in the subject of an email, that the accent is readable and the logo exists."""
        try:
            checked_name(self.name)
            checked_accent(self.accent)
            checked_home(self.home_url)
            if self.logo is not None:
                checked_logo(self.logo)
        except ValueError as error:
            raise ManifestError(f"the brand {self.name!r}: {error}") from error

    @property
    def look(self) -> Look:
        """The look that the settings can override."""
        return Look(self.name, self.accent, self.logo, self.home_url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A whole product: its brand and its apps.

    ``granted`` are the amounts of every new tenant, by entitlement key, if no app has plans.
    ``middleware`` are the product's own pure ASGI classes, outermost first, each as ``Middleware(Tag, word="x")``.
    They run for every app, inside the kernel's middleware: see ``insula.http.middleware``.
    ``former_migrations`` are the revisions of the former single chain, for databases from before the branches.

    ``entitlements`` are those of the kernel and all apps, and ``database`` merges all declarations of the database.
    """

    brand: Brand
    apps: Sequence[App]
    granted: Mapping[str, int] = field(default_factory=lambda: _NO_AMOUNTS)
    middleware: Sequence[Middleware] = ()
    former_migrations: Path | None = None
    entitlements: EntitlementRegistry = field(init=False)
    database: Declarations = field(init=False)

    def __post_init__(self) -> None:
        """Check for contradictions between apps."""
        unique("two apps have the name {}: rename one", (app.name for app in self.apps))
        unique("two apps are mounted at {}: move one", (app.mount for app in self.apps))
        unique("two apps have the command {}: rename one", chain.from_iterable(app.commands for app in self.apps))
        unique("two resources have a job {}: rename one", chain.from_iterable(found.jobs for found in self.resources))
        unique("two emails have the name {}: rename one", (email.name for email in self.emails))
        unique("two resources serve /static/{}: rename one", chain.from_iterable(at.static for at in self.resources))
        check_middleware(self.middleware)
        self._check_policy()
        own = chain.from_iterable(resource.entitlements for resource in self.resources)
        object.__setattr__(self, "entitlements", EntitlementRegistry((*ENTITLEMENTS, *own)))
        names = [app.name for app in self.apps if app.settings is not None]
        check_variables(combinations(names, 2))
        parts = (KERNEL, *(app.declared for app in self.apps))
        declared = merged(*parts, former=self.former_migrations)
        if self.granted:
            self._check_granted(declared)
            declared = merged(*parts, _rights_to_grant(declared), former=self.former_migrations)
        object.__setattr__(self, "database", declared)

    def _check_granted(self, declared: Declarations) -> None:
        if declared.plans is not None:
            raise ManifestError("granted= is for an installation without plans: drop it, plans define the entitlements")
        for key, value in self.granted.items():
            if key not in self.entitlements:
                raise ManifestError(
                    f"granted={key!r} is no entitlement{did_you_mean(key, self.entitlements)}; "
                    f"there are {', '.join(self.entitlements)}"
                )
            if value < 0:
                raise ManifestError(f"granted={key!r}: {value} is negative")

    def _check_policy(self) -> None:
        """Compute the policy's parts, which raises ManifestError for contradictions."""
        roles_of(chain.from_iterable(app.callers for app in self.apps))
        _ = self.grants, self.published

    @property
    def resources(self) -> tuple[Resource, ...]:
        """Every app's resources."""
        return tuple(chain.from_iterable(app.resources for app in self.apps))

    @property
    def grants(self) -> Mapping[str, frozenset[Permission]]:
        """Every app's permissions, by the built-in role that has them."""
        return grants_of(chain.from_iterable(app.permissions for app in self.apps))

    @property
    def roles(self) -> frozenset[str]:
        """The built-in roles of every kind of caller."""
        return roles_of(chain.from_iterable(app.callers for app in self.apps))

    @property
    def published(self) -> tuple[Published, ...]:
        """Every app's permissions that custom roles can have."""
        return tuple(chain.from_iterable(published(app.name, app.permissions) for app in self.apps))

    @property
    def assignable(self) -> frozenset[str]:
        """The codes of the permissions that custom roles can have."""
        return frozenset(permission.code for permission in self.published)

    @property
    def jobs(self) -> Handlers:
        """Every resource's jobs, by name."""
        found: dict[str, Handler] = {}
        for resource in self.resources:
            found.update(resource.jobs)
        return MappingProxyType(found)

    @property
    def commands(self) -> Mapping[str, str]:
        """Every app's commands, and their modules."""
        return {name: module for app in self.apps for name, module in app.commands.items()}

    @property
    def schedules(self) -> tuple[Periodic, ...]:
        """Every resource's periodic jobs."""
        return tuple(chain.from_iterable(resource.schedules for resource in self.resources))

    @property
    def new_tenants(self) -> NewTenants:
        """The apps' hooks for new tenants, in the order of the apps."""
        hooks = tuple(app.on_new_tenant for app in self.apps if app.on_new_tenant is not None)
        return NewTenants(hooks, with_plans=self.database.plans is not None, granted=self.granted)

    @property
    def static(self) -> Mapping[str, Path]:
        """Every resource's folders of static files, by their names under ``/static``."""
        return {name: folder for resource in self.resources for name, folder in resource.static.items()}

    @property
    def seeds(self) -> tuple[Seed, ...]:
        """The functions that create demo rows, in the order of the resources."""
        return tuple(resource.seed for resource in self.resources if resource.seed is not None)

    @property
    def settings_type(self) -> type[Settings]:
        """The type of its settings: the kernel's settings with the apps' groups."""
        return with_groups(tuple((app.name, app.settings) for app in self.apps if app.settings is not None))

    @property
    def emails(self) -> tuple[EmailTemplate, ...]:
        """The kernel's emails, and every resource's."""
        return (*EMAILS, *chain.from_iterable(resource.emails for resource in self.resources))

    def app(self, name: str) -> App:
        """Return the app of that name. Raises ManifestError."""
        for app in self.apps:
            if app.name == name:
                return app
        raise ManifestError(f"there is no app {name!r}: the apps are {', '.join(app.name for app in self.apps)}")


def _rights_to_grant(declared: Declarations) -> DatabasePart:
    """Return the rights on entitlements for the roles that create tenants."""
    makers = [right.role for right in declared.rights if (right.table, right.command) == ("tenant", "INSERT")]
    tables = tuple(may(role, "tenant", "entitlement", "INSERT") for role in dict.fromkeys(makers))
    return DatabasePart(owner="the installation", tables=tables)
