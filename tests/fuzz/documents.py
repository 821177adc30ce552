"""The OpenAPI documents of a running server, and their parts that the fuzz run uses."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import requests
import schemathesis
from schemathesis import APIOperation, BaseSchema, Case
from schemathesis.core.result import Ok

from insula.callers import ApiKeys
from insula.http.openapi.security import TAKES_KEYS
from insula.http.responses.problems import MEDIA_TYPE
from tests.support.apps import MOUNTS
from tests.support.documents import operations_of

AnyOperation = APIOperation[Any, Any, Any, Any]
AnyCase = Case[AnyOperation]
Definition = Mapping[str, Any]  # an OpenAPI document has no fixed shape
NOWHERE: Final = "00000000-0000-4000-8000-000000000000"
"""An unused id, for a path that gets its ids later."""
_SECONDS: Final = 30


@dataclass(frozen=True)
class Operation:
    """One operation of one app, and how to call it."""

    app: str
    base: str
    api_operation: AnyOperation
    definition: Definition

    @property
    def name(self) -> str:
        """The method and the whole path, such as ``GET /api/v1/racks``."""
        return f"{self.api_operation.method.upper()} {MOUNTS[self.app]}{self.api_operation.path}"

    @property
    def schemes(self) -> frozenset[str]:
        """The credentials that it accepts: the document's schemes and API keys; none for a public operation."""
        found = {scheme for way in self.definition.get("security", ()) for scheme in way}
        return frozenset({*found, ApiKeys.scheme} if self.definition.get(TAKES_KEYS) else found)

    def codes(self, status: int) -> frozenset[str]:
        """Return the codes of the problems that the document names for ``status``."""
        answer = self.definition["responses"].get(str(status), {})
        return frozenset(answer.get("content", {}).get(MEDIA_TYPE, {}).get("examples", ()))


@dataclass(frozen=True)
class Api:
    """One app's document."""

    app: str
    base: str
    document: Definition
    schema: BaseSchema
    operations: tuple[Operation, ...]

    def has_path(self, path: str) -> bool:
        """Return whether the document names ``path``."""
        return path in self.document["paths"]

    def path_below(self, path: str) -> tuple[str, str] | None:
        """Return the path of one row in the collection ``path``, and the name of its id parameter."""
        for other in self.document["paths"]:
            rest = other.removeprefix(f"{path}/")
            if rest != other and rest.startswith("{") and rest.endswith("}") and "/" not in rest:
                return other, rest[1:-1]
        return None


def apis_of(url: str) -> list[Api]:
    """Read the documents of the server at ``url``; every route in them is fuzzed."""
    return [
        api_of(app, url + mount, requests.get(f"{url}{mount}/openapi.json", timeout=_SECONDS).json())
        for app, mount in MOUNTS.items()
    ]


def api_of(app: str, base: str, document: Definition) -> Api:
    """Return the operations in ``document``, of the app at ``base``."""
    schema = schemathesis.openapi.from_dict(dict(document))
    schema.config.generation.update(with_security_parameters=False)  # the cast has valid credentials
    return Api(app, base, document, schema, tuple(_operations(app, base, document, schema)))


def _operations(app: str, base: str, document: Definition, schema: BaseSchema) -> Iterator[Operation]:
    definitions = operations_of(document)
    for found in schema.get_all_operations():
        if not isinstance(found, Ok):
            raise TypeError(f"{app}: {found.err()}")
        operation = found.ok()
        definition = definitions[operation.path][operation.method.lower()]
        if not _lasts(definition):
            yield Operation(app, base, operation, definition)


def _lasts(definition: Definition) -> bool:
    """Return whether the response has no end or any bytes are a valid body: other tests attack these operations."""
    answers = {kind for answer in definition["responses"].values() for kind in answer.get("content", {})}
    taken = definition.get("requestBody", {}).get("content", {})
    return "text/event-stream" in answers or "application/octet-stream" in taken
