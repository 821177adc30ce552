"""The operations: their requests, written to files for wrk."""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from benchmarks.dataset import Dataset, Item, Person
from insula.core.ids import new_id

_ONCE: Final = "\1"
_KEY_LENGTH: Final = 32  # load.lua replaces _ONCE by a key of this length
_ITEM: Final = "/api/v1/projects/{0.project_id}/items/{0.item_id}"
_ITEMS: Final = "/api/v1/projects/{0.project_id}/items"
_WRITERS: Final = ("owner", "admin", "member")


ChoosePerson = Callable[[UUID, tuple[str, ...]], Person]
"""Chooses a random member of the tenant with one of these roles."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A request that many people send for many rows, and the expected status."""

    name: str
    status: int
    requests: Callable[[Dataset, ChoosePerson], Iterator[str]]


def request(method: str, path: str, token: str, body: str = "", headers: Mapping[str, str] | None = None) -> str:
    """Return an HTTP/1.1 request as text."""
    lines = [f"{method} {path} HTTP/1.1", "Host: bench.example", f"Authorization: Bearer {token}", "Accept: */*"]
    if body:
        length = len(body) + (_KEY_LENGTH - 1) * body.count(_ONCE)
        lines += ["Content-Type: application/json", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", body])


def write(operation: Operation, dataset: Dataset, path: Path) -> Path:
    """Write the operation's requests to ``path``."""
    chance = random.Random(operation.name)  # noqa: S311  # the same in each run
    people: dict[tuple[UUID, str], list[Person]] = {}
    for person in dataset.people:
        people.setdefault((person.tenant_id, person.role), []).append(person)

    def choose(tenant_id: UUID, roles: tuple[str, ...]) -> Person:
        return chance.choice([person for role in roles for person in people[tenant_id, role]])

    path.write_text("\0".join(operation.requests(dataset, choose)))
    return path


def _read(dataset: Dataset, choose: ChoosePerson) -> Iterator[str]:
    for item in dataset.items:
        yield request("GET", _ITEM.format(item), _anybody(item, choose).token)


def _list(dataset: Dataset, choose: ChoosePerson) -> Iterator[str]:
    for item in _one_of_each_project(dataset.items):
        for role in (*_WRITERS, "viewer"):
            yield request("GET", f"{_ITEMS.format(item)}?limit=20", choose(item.tenant_id, (role,)).token)


def _create(dataset: Dataset, choose: ChoosePerson) -> Iterator[str]:
    for item in _one_of_each_project(dataset.items):
        for role in _WRITERS:
            yield _creating(item, choose(item.tenant_id, (role,)))


def _hot_create(dataset: Dataset, _choose: ChoosePerson) -> Iterator[str]:
    for person in dataset.hot:
        if person.role in _WRITERS:
            yield _creating(dataset.hot_item, person)


def _patch(dataset: Dataset, choose: ChoosePerson) -> Iterator[str]:
    body = f'{{"title": "{_ONCE}"}}'
    for item in dataset.items:
        yield request("PATCH", _ITEM.format(item), choose(item.tenant_id, _WRITERS).token, body, {"If-Match": "*"})


def _forbidden(dataset: Dataset, choose: ChoosePerson) -> Iterator[str]:
    body = '{"title": "Write the front page"}'
    for item in _one_of_each_project(dataset.items):
        token = choose(item.tenant_id, ("viewer",)).token
        yield request("POST", _ITEMS.format(item), token, body, {"Idempotency-Key": _ONCE})


def _absent(dataset: Dataset, choose: ChoosePerson) -> Iterator[str]:
    for item in dataset.items:
        nowhere = Item(item.tenant_id, item.project_id, new_id())
        yield request("GET", _ITEM.format(nowhere), _anybody(item, choose).token)


def _limited(dataset: Dataset, _choose: ChoosePerson) -> Iterator[str]:
    for person in dataset.limited:
        yield request("GET", _ITEM.format(Item(person.tenant_id, new_id(), new_id())), person.token)


def _creating(item: Item, person: Person) -> str:
    body = '{"title": "Write the front page", "body": "Two paragraphs and a picture.", "position": 10}'
    return request("POST", _ITEMS.format(item), person.token, body, {"Idempotency-Key": _ONCE})


def _anybody(item: Item, choose: ChoosePerson) -> Person:
    return choose(item.tenant_id, (*_WRITERS, "viewer"))


def _one_of_each_project(items: Iterable[Item]) -> list[Item]:
    return list({item.project_id: item for item in items}.values())


OPERATIONS: Final[Mapping[str, Operation]] = {
    operation.name: operation
    for operation in (
        Operation("read", 200, _read),
        Operation("list", 200, _list),
        Operation("create", 201, _create),
        Operation("hot_create", 201, _hot_create),
        Operation("patch", 200, _patch),
        Operation("403", 403, _forbidden),
        Operation("404", 404, _absent),
        Operation("429", 429, _limited),
    )
}
