"""``App`` and ``Resource``: the data by which the kernel knows an app and its resources.

A manifest is checked when it is constructed. Each error names the declaration and the fix.
"""

import inspect
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self

from fastapi import APIRouter

from insula.access import Permission, grants_of
from insula.access.entitlements import Amount, CountedQuota
from insula.apps.demo import Seed
from insula.callers import AppCallers, Kind
from insula.core.errors import ManifestError
from insula.core.settings import Settings
from insula.core.settings_group import SettingsGroup
from insula.db.engine.roles import DatabaseRole
from insula.db.schema.branches import Branch
from insula.db.schema.declarations import Counted, DatabasePart, counted
from insula.db.schema.queue_rights import QueueRight
from insula.db.schema.rights import TableDeclaration
from insula.jobs import Handlers, Periodic
from insula.mail import EmailTemplate
from insula.pages.assets import STATIC
from insula.site.factory import Tag
from insula.site.queue_metrics import DatabaseGauge
from insula.tenancy import OnNewTenant

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_MOUNT: Final = re.compile(r"/[a-z][a-z0-9-]*")
_FOLDER: Final = re.compile(r"[a-z][a-z0-9-]*")
_ROUTE: Final = re.compile(r"(GET|POST|PUT|PATCH|DELETE|MOUNT|WEBSOCKET) /\S*")
_NO_FOLDERS: Final[Mapping[str, Path]] = MappingProxyType({})
_NO_COMMANDS: Final[Mapping[str, str]] = MappingProxyType({})
_NO_JOBS: Final[Handlers] = MappingProxyType({})
_NO_ROUTERS: Final[Mapping[str, Sequence[APIRouter]]] = MappingProxyType({})
_NO_NAMES: Final[Mapping[str, str]] = MappingProxyType({})
_NO_ROWS: Final[Mapping[str, Sequence[Mapping[str, object]]]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackHints:
    """Data for the generated attacks; requests never read it.

    - ``ids``: the table that a parameter or field refers to, if it is not named ``{table}_id``:
      ``{"item_id": "project_item"}``.
    - ``actions``: the permission of a route, if it is not named ``noun:verb``, or ``noun:act`` for
      ``POST /nouns/{id}/act``: ``{"POST /v1/projects/{project_id}/items/bulk": "item:create"}``.
    - ``rows``: for each table, the values with which the legitimate caller succeeds; one mapping for each row.
      ``{token}`` in a text becomes a word unique to the tenant. Columns that are not named get generated values.
    """

    ids: Mapping[str, str] = field(default_factory=lambda: _NO_NAMES)
    actions: Mapping[str, str] = field(default_factory=lambda: _NO_NAMES)
    rows: Mapping[str, Sequence[Mapping[str, object]]] = field(default_factory=lambda: _NO_ROWS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource of an app, with everything that belongs to it.

    ``tag`` is its group in the OpenAPI document, or None without routes or in another resource's group.
    ``permissions`` is the enum of the permissions that its routes require.
    ``routers`` are served under ``/v1``, those of ``newer`` under the version that is their key, such as ``v2``.
    ``public`` names the routes without credentials, as ``"POST /v1/webhooks/stripe"``; every other route must be
    guarded. ``pages`` are served by the root app and appear in no document; the folders of ``static`` are served by the
    root app too, under ``/static`` and the folder's key.
    ``tables`` declares its tables, and the rights of database roles on them and on the kernel's tables; ``queue`` the
    rights of a role in the job queue across tenants.
    ``entitlements`` are the quotas, features and amounts that its service reads from the scope and plans can name.
    ``emails`` are the templates of its emails, and ``seed`` creates its demo rows.
    ``migrations`` is the separate migration branch of a resource that an installation can leave out of its app.
    """

    tag: Tag | None = None
    routers: Sequence[APIRouter] = ()
    permissions: type[Permission] | None = None
    newer: Mapping[str, Sequence[APIRouter]] = field(default_factory=lambda: _NO_ROUTERS)
    public: frozenset[str] = frozenset()
    pages: Sequence[APIRouter] = ()
    public_pages: frozenset[str] = frozenset()
    static: Mapping[str, Path] = field(default_factory=lambda: _NO_FOLDERS)
    jobs: Handlers = field(default_factory=lambda: _NO_JOBS)
    schedules: Sequence[Periodic] = ()
    gauges: Sequence[DatabaseGauge] = ()
    emails: Sequence[EmailTemplate] = ()
    seed: Seed | None = None
    tables: Sequence[TableDeclaration] = ()
    entitlements: Sequence[Amount] = ()
    queue: Sequence[QueueRight] = ()
    attack: AttackHints = field(default_factory=AttackHints)
    migrations: Branch | None = None

    def __post_init__(self) -> None:
        """Check for contradictions within the resource."""
        where = f"resource {self.tag['name']!r}" if self.tag else "a resource without a tag"
        for route in self.public | self.public_pages:
            if not _ROUTE.fullmatch(route):
                raise ManifestError(f"{where}: {route!r} names no route: write it as 'GET /v1/things/{{id}}'")
        for schedule in self.schedules:
            if schedule.task not in self.jobs:
                raise ManifestError(
                    f"{where}: the schedule of {schedule.task!r} has no job: add the job to jobs=, or drop the schedule"
                )
        for name, folder in self.static.items():
            _check_folder(where, name, folder)
        for email in self.emails:
            email.check()


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """One mounted app: its path, OpenAPI document, callers, database declarations and resources.

    ``callers`` are the kinds of callers that it admits: ``(Members(), ApiKeys())``, ``(Staff(),)``, or its own.
    ``purpose`` is a sentence for the home page, and ``first_request`` the path, such as ``/v1/projects``, of a GET that
    ``insula run`` shows as an example. ``commands`` are its commands of the program ``insula``: for each, the module of
    its typer app, imported when the command is called.
    ``settings`` is its settings group: ``INSULA_<NAME>_<FIELD>``, read by ``settings.of(...)``.
    ``database`` declares the app's login role, and database objects that belong to no single resource.
    ``on_new_tenant`` is an async function of (session, tenant_id, plan) that runs in the transaction that creates a
    tenant: ``insula.tenancy.OnNewTenant``.
    ``migrations`` is the folder of its migration branch, which is named after the app.
    """

    name: str
    mount: str
    title: str
    description: str
    purpose: str
    version: str
    database: DatabasePart
    callers: Sequence[Kind]
    commands: Mapping[str, str] = field(default_factory=lambda: _NO_COMMANDS)
    settings: type[SettingsGroup] | None = None
    on_new_tenant: OnNewTenant | None = None
    migrations: Path | None = None
    first_request: str = ""
    resources: Sequence[Resource] = ()

    def __post_init__(self) -> None:
        """Check for contradictions within the app."""
        where = f"app {self.name!r}"
        if not _NAME.fullmatch(self.name) or self.name == "root":
            raise ManifestError(f"{where}: a name is a lower-case word, and 'root' is reserved for the root app")
        if not _MOUNT.fullmatch(self.mount):
            raise ManifestError(f"{where}: mount={self.mount!r} must be one literal segment, such as '/support'")
        try:
            AppCallers(*self.callers)
        except ManifestError as error:
            raise ManifestError(f"{where}: {error}") from error
        unique(f"{where}: two resources have the tag {{}}: rename one", (tag["name"] for tag in self.tags))
        if self.settings is not None:
            check_variables((self.name, name) for name in Settings.model_fields)
        if self.on_new_tenant is not None:
            _check_hook(where, self.on_new_tenant)

    def joined(self, resource: Resource, *, after: str) -> Self:
        """Return this app with a resource of another app added after its own resource with the tag ``after``.

        Its routes, permissions and rights become this app's. Raises ManifestError if no resource has that tag.
        """
        for index, own in enumerate(self.resources, start=1):
            if own.tag is not None and own.tag["name"] == after:
                return replace(self, resources=(*self.resources[:index], resource, *self.resources[index:]))
        tags = ", ".join(tag["name"] for tag in self.tags)
        raise ManifestError(f"app {self.name!r}: no resource has the tag {after!r}: join after one of {tags or 'none'}")

    @property
    def database_role(self) -> DatabaseRole:
        """The login role of the app's requests."""
        return self.database.app_role

    @property
    def declared(self) -> DatabasePart:
        """The database declarations of the app and its resources."""
        return replace(self.database, owner=self.name).joined(
            *chain.from_iterable(resource.tables for resource in self.resources),
            callers=(kind.actor_kind for kind in self.callers),
            counted=self._counted(),
            branches=self._branches(),
            scheduled=(schedule.task for resource in self.resources for schedule in resource.schedules),
            queue=chain.from_iterable(resource.queue for resource in self.resources),
        )

    @property
    def tags(self) -> tuple[Tag, ...]:
        """The resources' tags, in the order of the document."""
        return tuple(resource.tag for resource in self.resources if resource.tag is not None)

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """The permissions that its routes require."""
        return tuple(chain.from_iterable(resource.permissions or () for resource in self.resources))

    @property
    def grants(self) -> Mapping[str, frozenset[Permission]]:
        """The permissions of each built-in role. Raises ManifestError for a code declared twice."""
        return grants_of(self.permissions)

    @property
    def public(self) -> frozenset[str]:
        """The routes without credentials."""
        return frozenset(chain.from_iterable(resource.public for resource in self.resources))

    def _counted(self) -> Iterator[Counted]:
        for entitlement in chain.from_iterable(resource.entitlements for resource in self.resources):
            if isinstance(entitlement, CountedQuota):
                yield counted(entitlement.table, entitlement.key)

    def _branches(self) -> Iterator[Branch]:
        if self.migrations is not None:
            yield Branch(self.name, self.migrations)
        yield from (resource.migrations for resource in self.resources if resource.migrations is not None)

    def routers(self) -> list[APIRouter]:
        """Return the resources' routers, each under its version."""
        versions: dict[str, APIRouter] = {}
        for resource in self.resources:
            for version, routers in {"v1": resource.routers, **resource.newer}.items():
                below = versions.setdefault(version, APIRouter(prefix=f"/{version}"))
                for router in routers:
                    below.include_router(router)
        return list(versions.values())


def check_variables(pairs: Iterable[tuple[str, str]]) -> None:
    """Raise ManifestError if an environment variable could belong to both of a pair."""
    for name, other in pairs:
        if f"{name}_".startswith(f"{other}_") or f"{other}_".startswith(f"{name}_"):
            raise ManifestError(f"app {name!r}: its settings look like those of {other!r}: rename the app")


def _check_hook(where: str, hook: OnNewTenant) -> None:
    try:
        inspect.signature(hook).bind("session", "tenant_id", "plan")
    except TypeError:
        fits = False
    else:
        fits = inspect.iscoroutinefunction(hook)
    if not fits:
        name = getattr(hook, "__qualname__", hook)
        raise ManifestError(f"{where}: on_new_tenant={name} must be `async def {name}(session, tenant_id, plan)`")


def _check_folder(where: str, name: str, folder: Path) -> None:
    if not _FOLDER.fullmatch(name) or (STATIC / name).exists():
        raise ManifestError(f"{where}: static={name!r} is not a free name under /static: choose one such as 'things'")
    if not folder.is_dir():
        raise ManifestError(f"{where}: there is no folder {folder} to serve as /static/{name}: add it")


def unique(message: str, names: Iterable[str]) -> None:
    """Raise ManifestError for duplicate names: ``message`` with the names in its braces."""
    twice = [name for name, number in Counter(names).items() if number > 1]
    if twice:
        raise ManifestError(message.format(" and ".join(map(repr, sorted(twice)))))
