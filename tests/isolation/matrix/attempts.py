"""Sends one cell's request on one world and judges the answer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from http import HTTPStatus
from typing import Final

from insula.access import Role
from insula.http.routing.guards import TenantGuard
from insula.signin import BROWSER_PAGES
from tests.isolation.matrix import oracles
from tests.isolation.matrix.callers import rightful
from tests.isolation.matrix.cells import Cell
from tests.isolation.matrix.expectations import expected
from tests.isolation.matrix.holders import label_of
from tests.isolation.matrix.positions import CURSOR, positions_of
from tests.isolation.matrix.requests import Draft, Ids, unknown_ids
from tests.isolation.matrix.routes import LiveRoute, live_routes
from tests.isolation.matrix.stage import Stage
from tests.isolation.matrix.wire import Headers, Request
from tests.isolation.matrix.world import World
from tests.support.apps import INSTALLATION

_REPLAYED: Final = "idempotency-replayed"


@dataclass
class Found:
    """The leaks and failures of an attempt, one line each."""

    leaks: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


class Unprepared(Exception):
    """A request that must succeed before a cell has failed."""


async def attempt(stage: Stage, world: World, cell: Cell) -> Found:
    """Send the cell's request; check the answer, the log, and that an unknown id gets the same answer."""
    found = Found()
    chosen = await _headers(stage, world, cell)
    draft = Draft(cell.route, cell.position, cell.payload, own(world, cell), await foreign(stage, world, cell.route))
    await _prime(stage, world, cell)
    stage.log.take()
    request = draft.request().with_headers(*chosen)
    answer = await stage.send(request)
    known = request.sent + (world.b.slug if cell.selector.moved else "")  # a former host redirects to the current one
    if cell.route.name in BROWSER_PAGES and cell.selector.host_of_b:
        known += world.b.ids["name of the tenant"]  # the sign-in pages name the tenant of the host to everyone
    shown = oracles.canaries_in(answer.seen, world.b, known)
    found.leaks += [f"{cell.name}: {canary} in the answer" for canary in shown]
    found.leaks += [f"{cell.name}: {canary} in the log" for canary in oracles.logged(stage.log.take(), world)]
    wanted = expected(cell)
    if not wanted.met_by(answer):
        found.failures.append(f"{cell.name}: {answer.status} {answer.code or answer.text[:80]}, not {wanted}")
    elif wanted.alike:
        twin = Draft(cell.route, cell.position, cell.payload, own(world, cell), unknown_ids(draft.foreign))
        for_unknown_id = await stage.send(twin.request().with_headers(*chosen))
        if not oracles.same_answer(answer, for_unknown_id):
            found.failures.append(f"{cell.name}: not the answer of an unknown id, {for_unknown_id.text[:120]}")
    if answer.header(_REPLAYED) or (cell.route.method == "POST" and '"access_token":' in answer.text):
        found.leaks.append(f"{cell.name}: another's answer, {answer.text[:80]}")
    return found


async def prepare(stage: Stage, world: World, cell: Cell) -> None:
    """Send the cell's request as B first, with the same key. Raises Unprepared."""
    credentials = cell.caller.twin or rightful(cell.route)
    draft = Draft(cell.route, cell.position, cell.payload, world.b.ids, world.b.ids)
    answer = await stage.send(draft.request().with_headers(*await credentials(stage, world)))
    if not answer.ok:
        raise Unprepared(f"{cell.name}: first, in B, {answer.status} {answer.text[:120]}")


def own(world: World, cell: Cell) -> Ids:
    """Return the caller's own ids; a caller outside tenants has none and uses B's."""
    return world.b.ids if label_of(cell.route) is not None else world.a.ids


async def foreign(stage: Stage, world: World, route: LiveRoute) -> Ids:
    """Return B's ids and, for a list, a cursor of B's. Raises Unprepared."""
    ids = world.b.ids
    if CURSOR in route.queries and CURSOR not in ids:
        first = Draft(route, positions_of(route)[0], "plain", ids, ids).request()
        first = replace(first, query={"limit": "1"}).with_headers(*await rightful(route)(stage, world))
        answer = await stage.send(first)
        cursor = json.loads(answer.body).get("next_cursor") if answer.status == HTTPStatus.OK else None
        if not cursor:
            raise Unprepared(f"{route.name}: {answer.text[:120]} has no cursor; see AttackHints(rows=...)")
        ids[CURSOR] = str(cursor)
    return ids


async def _headers(stage: Stage, world: World, cell: Cell) -> Headers:
    selected = cell.selector.of(world, stage.settings.base_domain)
    return (*await cell.caller.credentials(stage, world), *selected)


async def _prime(stage: Stage, world: World, cell: Cell) -> None:
    """Let the same person act for B just before, so that caches hold B's access."""
    if cell.caller.twin is not None and (path := _read_by_members().get(cell.route.app)) is not None:
        headers = await cell.caller.twin(stage, world)
        await stage.send(Request("GET", path, headers=headers))


@cache
def _read_by_members() -> Mapping[str, str]:
    """Return, for each app, a path that any member may read: the request fills the process's caches."""
    everybody = frozenset.intersection(*(frozenset(INSTALLATION.grants[role]) for role in Role))
    found: dict[str, str] = {}
    for route in live_routes().values():
        plain = route.method == "GET" and isinstance(route.guard, TenantGuard) and "{" not in route.template
        if plain and route.guard is not None and route.guard.action in everybody:
            found.setdefault(route.app, route.mount + route.template)
    return found
