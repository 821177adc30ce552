"""The operations: their requests, written to files for wrk."""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from benchmarks.world import Item, Person, World
from insula.core.ids import new_id

_ONCE: Final = "\1"
_KEY_LENGTH: Final = 32  # load.lua replaces it by a key of this length
_ITEM: Final = "/api/v1/projects/{0.project_id}/items/{0.item_id}"
_ITEMS: Final = "/api/v1/projects/{0.project_id}/items"
_WRITERS: Final = ("owner", "admin", "member")


@dataclass(frozen=True, slots=True)
class Operation:
    """A request that many people send for many rows, and the expected status."""

    name: str
    status: int
    requests: Callable[[World, "Caller"], Iterator[str]]


Caller = Callable[[UUID, tuple[str, ...]], Person]


def request(method: str, path: str, token: str, body: str = "", headers: Mapping[str, str] | None = None) -> str:
    """Return an HTTP/1.1 request as text."""
    lines = [f"{method} {path} HTTP/1.1", "Host: bench.example", f"Authorization: Bearer {token}", "Accept: */*"]
    if body:
        length = len(body) + (_KEY_LENGTH - 1) * body.count(_ONCE)
        lines += ["Content-Type: application/json", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", body])


def write(operation: Operation, world: World, path: Path) -> Path:
    """Write the operation's requests to ``path``."""
    chance = random.Random(operation.name)  # noqa: S311  # the same in each run
    people: dict[tuple[UUID, str], list[Person]] = {}
    for person in world.people:
        people.setdefault((person.tenant_id, person.role), []).append(person)

    def caller(tenant_id: UUID, roles: tuple[str, ...]) -> Person:
        return chance.choice([person for role in roles for person in people[tenant_id, role]])

    path.write_text("\0".join(operation.requests(world, caller)))
    return path


def _read(world: World, caller: Caller) -> Iterator[str]:
    for item in world.items:
        yield request("GET", _ITEM.format(item), _anybody(item, caller).token)


def _list(world: World, caller: Caller) -> Iterator[str]:
    for item in _one_of_each_project(world.items):
        for role in (*_WRITERS, "viewer"):
            yield request("GET", f"{_ITEMS.format(item)}?limit=20", caller(item.tenant_id, (role,)).token)


def _create(world: World, caller: Caller) -> Iterator[str]:
    body = '{"title": "Write the front page", "body": "Two paragraphs and a picture.", "position": 10}'
    for item in _one_of_each_project(world.items):
        for role in _WRITERS:
            token = caller(item.tenant_id, (role,)).token
            yield request("POST", _ITEMS.format(item), token, body, {"Idempotency-Key": _ONCE})


def _patch(world: World, caller: Caller) -> Iterator[str]:
    body = f'{{"title": "{_ONCE}"}}'
    for item in world.items:
        yield request("PATCH", _ITEM.format(item), caller(item.tenant_id, _WRITERS).token, body, {"If-Match": "*"})


def _forbidden(world: World, caller: Caller) -> Iterator[str]:
    body = '{"title": "Write the front page"}'
    for item in _one_of_each_project(world.items):
        token = caller(item.tenant_id, ("viewer",)).token
        yield request("POST", _ITEMS.format(item), token, body, {"Idempotency-Key": _ONCE})


def _absent(world: World, caller: Caller) -> Iterator[str]:
    for item in world.items:
        nowhere = Item(item.tenant_id, item.project_id, new_id())
        yield request("GET", _ITEM.format(nowhere), _anybody(item, caller).token)


def _limited(world: World, _caller: Caller) -> Iterator[str]:
    for person in world.limited:
        yield request("GET", _ITEM.format(Item(person.tenant_id, new_id(), new_id())), person.token)


def _anybody(item: Item, caller: Caller) -> Person:
    return caller(item.tenant_id, (*_WRITERS, "viewer"))


def _one_of_each_project(items: Iterable[Item]) -> list[Item]:
    return list({item.project_id: item for item in items}.values())


OPERATIONS: Final[Mapping[str, Operation]] = {
    operation.name: operation
    for operation in (
        Operation("read", 200, _read),
        Operation("list", 200, _list),
        Operation("create", 201, _create),
        Operation("patch", 200, _patch),
        Operation("403", 403, _forbidden),
        Operation("404", 404, _absent),
        Operation("429", 429, _limited),
    )
}
