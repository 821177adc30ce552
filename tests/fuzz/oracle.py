"""Judges an answer: server errors, violations of the document, words of another tenant."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from schemathesis import Response
from schemathesis.checks import load_all_checks
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from insula.http.responses.problems import MEDIA_TYPE
from tests.fuzz.documents import AnyCase, Operation

Kind = Literal["server_error", "schema_violation", "canary"]
_CHECKS: Final = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
_FIRST_SERVER_ERROR: Final = 500
_SHOWN: Final = 2_000


@dataclass(frozen=True)
class Finding:
    """A finding, and the request that showed it."""

    kind: Kind
    operation: str
    what: str
    request: str

    @property
    def same(self) -> tuple[str, str, str]:
        """The key by which equal findings are counted once."""
        return self.kind, self.operation, self.what


def judge(operation: Operation, case: AnyCase, response: Response, foreign: Iterable[str]) -> list[Finding]:
    """Return the findings in ``response``; ``foreign`` are words that the caller must not see."""
    request = request_of(case, response)
    return [
        Finding(kind, operation.name, what, request)
        for kind, what in (
            *_server_errors(response),
            *_violations(operation, case, response),
            *_foreign_words(response, foreign),
        )
    ]


def request_of(case: AnyCase, response: Response) -> str:
    """Return the request as a shell command."""
    return case.as_curl_command(headers=dict(response.request.headers))[:_SHOWN]


def _server_errors(response: Response) -> Iterator[tuple[Kind, str]]:
    if response.status_code >= _FIRST_SERVER_ERROR:
        yield "server_error", f"{response.status_code} {response.content[:200]!r}"


def _violations(operation: Operation, case: AnyCase, response: Response) -> Iterator[tuple[Kind, str]]:
    load_all_checks()
    try:
        case.validate_response(response, checks=list(_CHECKS))
    except FailureGroup as failures:
        for failure in failures.exceptions:
            yield "schema_violation", f"{response.status_code}: {failure}"[:500]
    code = code_of(response)
    if code is not None and code not in operation.codes(response.status_code):
        yield "schema_violation", f"{response.status_code}: the document does not name the code {code}"


def _foreign_words(response: Response, foreign: Iterable[str]) -> Iterator[tuple[Kind, str]]:
    seen = response.content.decode("utf-8", "replace") + repr(response.headers)
    for word in foreign:
        if word in seen:
            yield "canary", f"{response.status_code}: tells {word[:6]}… of another tenant"
            return


def code_of(response: Response) -> str | None:
    """Return the code of a problem, or None for another answer."""
    if not response.headers.get("content-type", [""])[0].startswith(MEDIA_TYPE):
        return None
    try:
        problem = json.loads(response.content)
    except ValueError:
        return None
    return str(problem.get("code")) if isinstance(problem, dict) else None
