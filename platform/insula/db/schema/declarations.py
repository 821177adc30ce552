"""The database declarations of the kernel and the apps, merged into one value.

Provisioning, migrations, the catalogue check, pools and the worker receive that value. An app declares a
``DatabasePart`` beside its code. ``merged(KERNEL, *parts)`` merges them and refuses duplicates;
``insula.db.schema.declaration_check`` compares the names with the models.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeVar

from insula.core.errors import ManifestError
from insula.db.engine.roles import BACKUP, GATE, IDENTITY, WORKER, AppRole, DatabaseRole, OtherAppRole
from insula.db.schema.branches import Branch
from insula.db.schema.owners import Owners
from insula.db.schema.queue_rights import QueuePolicy, QueueRight, queue_policies, queue_rights
from insula.db.schema.rights import (
    COMMANDS,
    FORMER_TABLE,
    GlobalTable,
    KeyException,
    Owned,
    Right,
    Rule,
    TableDeclaration,
    TableRef,
    may,
    name_of,
)

KERNEL_OWNER: Final = "the kernel"
_ACTOR_KIND: Final = re.compile(r"[a-z][a-z0-9_]*")
_NO_TRIGGERS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({})
_EVENT: Final = (
    "INSERT tenant_id, id, occurred_at, actor_kind, actor_id, actor_label, action, object_type, object_id, "
    "before, after, request_id, address"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredRole:
    """A role and how it is used.

    ``actors`` are the kinds of actors whose acts it may record in the audit log; an app's role may also record those
    of the app's callers. Without either it records no act. ``tenantless`` are the tasks that it may enqueue without a
    tenant. ``in_worker``: jobs may also use this role, not only the worker's own.
    """

    role: DatabaseRole
    actors: tuple[str, ...] = ()
    tenantless: tuple[str, ...] = ()
    in_worker: bool = False


@dataclass(frozen=True, slots=True)
class Counted:
    """A table whose rows are counted in ``tenant_usage`` by triggers, under the name of a quota."""

    table: str
    quota: str


def counted(table: TableRef, quota: str) -> Counted:
    """Declare that the rows of a table are counted as ``quota``."""
    return Counted(name_of(table), quota)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabasePart:
    """The database declarations of one owner, the kernel or an app. The installation sets an app's ``owner``.

    ``triggers`` protect tenants, by table; the catalogue check requires them. ``scheduled`` are periodic tasks,
    which have no tenant. ``queue`` holds rights on the job queue that cross tenants. The catalogue check ignores
    the objects of ``extensions``. ``branches`` are the migrations that create its tables. ``plans`` is the table
    of plans: text ``key``, and ``entitlements``, a JSON object of amounts. ``actor_kinds`` are kinds of actors
    that are not callers of an app, such as a payment provider.
    """

    owner: str = ""
    roles: tuple[DeclaredRole, ...] = ()
    tables: tuple[TableDeclaration, ...] = ()
    counted: tuple[Counted, ...] = ()
    triggers: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _NO_TRIGGERS)
    scheduled: tuple[str, ...] = ()
    queue: tuple[QueueRight, ...] = ()
    extensions: tuple[str, ...] = ()
    branches: tuple[Branch, ...] = ()
    plans: str | None = None
    actor_kinds: tuple[str, ...] = ()

    def joined(
        self,
        *tables: TableDeclaration,
        callers: Iterable[str] = (),
        counted: Iterable[Counted] = (),
        scheduled: Iterable[str] = (),
        queue: Iterable[QueueRight] = (),
        branches: Iterable[Branch] = (),
    ) -> "DatabasePart":
        """Return this part with the declarations of the app's resources, and with its callers' kinds of actors."""
        kinds = tuple(callers)
        return replace(
            self,
            roles=tuple(_for_callers(each, kinds) for each in self.roles),
            actor_kinds=(*self.actor_kinds, *kinds),
            tables=(*self.tables, *tables),
            counted=(*self.counted, *counted),
            scheduled=(*self.scheduled, *scheduled),
            queue=(*self.queue, *queue),
            branches=(*self.branches, *branches),
        )

    @property
    def app_role(self) -> DatabaseRole:
        """The role that gets the rights on ``owned`` tables. Raises ManifestError unless there is exactly one."""
        found = [declared.role for declared in self.roles if isinstance(declared.role, AppRole)]
        if len(found) != 1:
            raise ManifestError(
                f"{self.owner}: owned() is for the app's role, and {len(found)} are declared: "
                "declare one AppRole in roles=, or spell the rights out with may()"
            )
        return found[0]


def _for_callers(declared: DeclaredRole, kinds: tuple[str, ...]) -> DeclaredRole:
    """Let an app's role also record its callers' acts; return any other role unchanged."""
    if not isinstance(declared.role, AppRole):
        return declared
    return replace(declared, actors=tuple(dict.fromkeys((*kinds, *declared.actors))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Declarations:
    """All database declarations, of the kernel and of each app. Made by ``merged``."""

    roles: tuple[DatabaseRole, ...]
    app_roles: tuple[DatabaseRole, ...]
    worker_roles: tuple[DatabaseRole, ...]
    rights: tuple[Right, ...]
    exceptions: Mapping[tuple[str, Rule, str], str]
    global_tables: frozenset[str]
    counted: Mapping[str, str]
    triggers: Mapping[str, tuple[str, ...]]
    actors: Mapping[DatabaseRole, tuple[str, ...]]
    actor_kinds: tuple[str, ...]
    """Every kind of actor that the audit log can name."""
    tenantless: Mapping[DatabaseRole, tuple[str, ...]]
    scheduled: tuple[str, ...]
    queue: tuple[QueueRight, ...]
    extensions: frozenset[str]
    branches: tuple[Branch, ...]
    """The kernel's, then those of the plans' owner, then the others in the installation's order."""
    plans: str | None
    """The table of plans."""
    former: Path | None
    """The folder of the former single chain's revisions, for databases from before the branches."""
    owners: Mapping[tuple[str, ...], str]
    """The owner of each declaration."""

    @property
    def web_roles(self) -> tuple[DatabaseRole, ...]:
        """The roles that a web process logs in as."""
        return (*self.app_roles, IDENTITY, GATE)

    @property
    def serving_roles(self) -> tuple[DatabaseRole, ...]:
        """The roles that web processes and workers log in as."""
        return (*self.web_roles, WORKER)

    @property
    def producers(self) -> tuple[DatabaseRole, ...]:
        """The roles that enqueue jobs."""
        return (*self.app_roles, IDENTITY, WORKER)

    @property
    def tenantless_tasks(self) -> frozenset[str]:
        """The tasks that some role may enqueue without a tenant."""
        return frozenset(task for tasks in self.tenantless.values() for task in tasks)

    @property
    def queue_rights(self) -> frozenset[QueueRight]:
        """Every right on the job queue."""
        return queue_rights(self.producers, self.queue)

    @property
    def queue_policies(self) -> frozenset[QueuePolicy]:
        """The row-level security of the jobs."""
        return queue_policies(self.tenantless, self.queue)

    def rights_on(self, table: str) -> Iterator[Right]:
        """Yield the declared rights on one table, and the backup role's."""
        yield from (right for right in self.rights if right.table == table)
        if table == FORMER_TABLE:
            yield Right(GATE, table, "SELECT", "all")  # the previous version's processes read it
        yield Right(BACKUP, table, "SELECT", "all")

    def role(self, name: str) -> DatabaseRole:
        """Return the declared role of that name. Raises KeyError."""
        for role in self.roles:
            if role == name:
                return role
        raise KeyError(name)


def merged(*parts: DatabasePart, former: Path | None = None) -> Declarations:
    """Return the declarations of all parts. Raises ManifestError for a duplicate."""
    owners = Owners()
    declared = tuple(_roles(owners, parts))
    roles = tuple(each.role for each in declared)
    app_roles = tuple(role for role in roles if isinstance(role, AppRole))
    rights = [*_rights(owners, parts), *_shared_rights(owners, app_roles), *_counting_rights(owners, parts)]
    queue = tuple(held for part in parts for held in part.queue)
    _check_roles(owners, roles)
    actor_kinds = tuple(dict.fromkeys(kind for part in parts for kind in part.actor_kinds))
    _check_actors(parts, actor_kinds)
    scheduled = tuple(task for part in parts for task in part.scheduled)
    tenantless = {each.role: each.tenantless for each in declared if each.tenantless}
    if scheduled:
        tenantless[WORKER] = (*tenantless.get(WORKER, ()), *scheduled)
    key_exceptions = _all(parts, KeyException)
    return Declarations(
        roles=roles,
        app_roles=app_roles,
        worker_roles=(WORKER, *(each.role for each in declared if each.in_worker)),
        rights=_united(owners, rights),
        exceptions=MappingProxyType(
            {(found.table, found.rule, found.subject): found.reason for found in key_exceptions}
        ),
        global_tables=frozenset(found.table for found in _all(parts, GlobalTable)),
        counted=MappingProxyType({count.table: count.quota for part in parts for count in part.counted}),
        triggers=MappingProxyType({table: names for part in parts for table, names in part.triggers.items()}),
        actors=MappingProxyType(
            {each.role: each.actors for each in declared if each.actors or isinstance(each.role, AppRole)}
        ),
        actor_kinds=actor_kinds,
        tenantless=MappingProxyType(tenantless),
        scheduled=scheduled,
        queue=queue,
        extensions=frozenset(name for part in parts for name in part.extensions),
        branches=tuple(branch for part in sorted(parts, key=_migration_order) for branch in part.branches),
        plans=next((part.plans for part in parts if part.plans is not None), None),
        former=former,
        owners=MappingProxyType(owners.found),
    )


def _migration_order(part: DatabasePart) -> int:
    """Return a part's place in the order of migrations: the kernel, plans (others extend them), the rest."""
    if part.owner == KERNEL_OWNER:
        return 0
    return 1 if part.plans is not None else 2


def rights_of_an_app(role: DatabaseRole) -> Iterator[Right]:
    """Yield the rights of every role that serves requests: to record audit events and to repeat stored answers."""
    yield from rights_of_an_actor(role)
    yield from may(role, "tenant", "idempotency_record", "SELECT", "INSERT", "DELETE")


def rights_of_an_actor(role: DatabaseRole) -> Iterator[Right]:
    """Yield the rights that a role needs to append to the audit log; a trigger chains the event."""
    yield from may(role, "tenant", "audit_event", _EVENT)
    yield from may(role, "tenant", "audit_head", "SELECT", "INSERT", "UPDATE sequence, hash")


def _roles(owners: Owners, parts: Iterable[DatabasePart]) -> Iterator[DeclaredRole]:
    """Add all declarations except rights to ``owners``, and yield the parts' roles."""
    for part in parts:
        for each in part.roles:
            owners.add(part.owner, "the role", each.role)
            yield each
        for table in part.tables:
            if isinstance(table, KeyException):
                owners.add(part.owner, "the exception for the", table.rule, table.subject, "of", table.table)
            elif isinstance(table, Owned | GlobalTable):
                owners.add(part.owner, "the table", table.table)
        for words in _of_plans(part):
            owners.add(part.owner, *words)
        for what, names in (
            ("the triggers of", part.triggers),
            ("the scheduled task", part.scheduled),
            ("the branch of revisions", (branch.name for branch in part.branches)),
        ):
            for name in names:
                owners.add(part.owner, what, name)
        for held in part.queue:
            owners.add(part.owner, held.role, "may", held.privilege, "jobs." + held.name)


def _of_plans(part: DatabasePart) -> Iterator[tuple[str, ...]]:
    if part.plans is not None:
        yield ("the plans",)
    for count in part.counted:
        yield "the counted table", count.table
        yield "the quota", count.quota


def _rights(owners: Owners, parts: Sequence[DatabasePart]) -> Iterator[Right]:
    roles = frozenset(each.role for part in parts for each in part.roles)
    for part in parts:
        for table in part.tables:
            found = may(part.app_role, "tenant", table.table, *COMMANDS) if isinstance(table, Owned) else table
            if isinstance(found, tuple):
                yield from _added(owners, part.owner, (right for right in found if not _left_out(right.role, roles)))


def _left_out(role: DatabaseRole, roles: Collection[DatabaseRole]) -> bool:
    """Return whether the role belongs to an app that is not in the installation."""
    return isinstance(role, OtherAppRole) and role not in roles


def _shared_rights(owners: Owners, roles: Iterable[DatabaseRole]) -> Iterator[Right]:
    for role in roles:
        yield from _added(owners, "the kernel, for every app", rights_of_an_app(role))


def _counting_rights(owners: Owners, parts: Iterable[DatabasePart]) -> Iterator[Right]:
    """Yield the rights that counting triggers need: a trigger runs with the rights of the role that inserts the row."""
    for role in {part.app_role for part in parts if part.counted}:
        for right in may(role, "tenant", "tenant_usage", "SELECT", "INSERT", "UPDATE used"):
            if (
                role,
                "may",
                right.command,
                right.table,
            ) not in owners.found:  # an app may have declared it to read its usage
                yield from _added(owners, "the kernel, for counted tables", [right])


def _added(owners: Owners, owner: str, rights: Iterable[Right]) -> Iterator[Right]:
    for right in rights:
        add = owners.share if right.role == WORKER else owners.add  # every app's jobs run as the worker
        add(owner, right.role, "may", right.command, right.table)
        yield right


def _united(owners: Owners, rights: Iterable[Right]) -> tuple[Right, ...]:
    """Merge one role's rights on one table from several owners. Raises ManifestError if their reach differs."""
    found: dict[tuple[str, ...], Right] = {}
    for right in rights:
        key = (right.role, "may", right.command, right.table)
        first = found.setdefault(key, right)
        if first.reach != right.reach:
            raise ManifestError(
                f"{' '.join(key)}: declared by {owners.found[key]}, once within the tenant and once across tenants; "
                "declare the same reach in both"
            )
        columns = dict.fromkeys((*first.columns, *right.columns)) if first.columns and right.columns else ()
        found[key] = replace(first, columns=tuple(columns))
    return tuple(found.values())


def _check_roles(owners: Owners, roles: Iterable[DatabaseRole]) -> None:
    """Refuse a right of an undeclared role: nothing would create that role."""
    known = frozenset(roles)
    for words, owner in owners.found.items():
        if len(words) > 1 and words[1] == "may" and words[0] not in known:
            raise ManifestError(
                f"{owner}: {' '.join(words)}, but no app declares the role {words[0]}; "
                f"declared are {', '.join(sorted(known))}{did_you_mean(words[0], known)}"
            )


def _check_actors(parts: Iterable[DatabasePart], kinds: tuple[str, ...]) -> None:
    """Refuse an undeclared kind of actor, and an invalid name of one."""
    for kind in kinds:
        if not _ACTOR_KIND.fullmatch(kind):
            raise ManifestError(f"{kind!r} is not a valid kind of actors: use lower-case letters, digits and _")
    named = ((part.owner, each.role, kind) for part in parts for each in part.roles for kind in each.actors)
    for owner, role, kind in named:
        if kind not in kinds:
            raise ManifestError(
                f"{owner}: {role} records acts of {kind!r}, which is not a kind of actors{did_you_mean(kind, kinds)}; "
                f"there are {', '.join(kinds)} (correct the name, or add it to actor_kinds=)"
            )


_Kind = TypeVar("_Kind")


def _all(parts: Iterable[DatabasePart], kind: type[_Kind]) -> list[_Kind]:
    return [table for part in parts for table in part.tables if isinstance(table, kind)]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the end of an error message that suggests the closest known name, or nothing."""
    close = get_close_matches(name, sorted(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""
