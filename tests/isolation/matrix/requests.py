"""Makes a cell's request: puts the ids into a request that the rightful caller could send."""

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode
from uuid import UUID, uuid4

from pydantic import BaseModel
from starlette.staticfiles import StaticFiles

from insula.core.ids import new_id, new_secret
from insula.http.kinds import UPLOAD
from insula.signin import BROWSER_PAGES, FORM_PAGES
from insula.signin.browser.form_checks import form_token
from insula.signin.browser.pages import AUTHORIZE, CONSENT, END_SESSION
from tenants.invitations.tokens import new_token
from tests.isolation.matrix import payloads
from tests.isolation.matrix.payloads import Payload
from tests.isolation.matrix.positions import CURSOR, PARAMETER, SEARCH, SORT, Position
from tests.isolation.matrix.routes import LiveRoute
from tests.isolation.matrix.wire import Request
from tests.support.apps import POLICY
from tests.support.browsers import OWN_PAGE
from tests.support.provider import event, sign

Ids = Mapping[str, str]
_SECRETS: Final = frozenset({"password", "refresh_token", "token"})
_GRANTABLE: Final = {"permissions": frozenset(POLICY.published), "actions": POLICY.for_keys, "scopes": POLICY.for_keys}
"""The product's codes for fields whose example may name codes of resources that the product does not have."""

TOKEN: Final = "POST /auth/token"  # a route
"""Takes a form, and answers with errors of OAuth."""

INTROSPECT: Final = "POST /auth/introspect"
_ABOUT_A_TOKEN: Final = frozenset({"POST /auth/revoke", INTROSPECT})
"""Take a form with a token, from a client."""

_SIGNATURE: Final = "stripe-signature"
_REQUIRED: Final[Mapping[str, Mapping[str, str]]] = {"GET /insula-dev/users": {"app": "tenants"}}
"""Parameters without a default."""


class Underivable(Exception):
    """A value that a route needs is not declared and cannot be derived."""


@dataclass(frozen=True)
class Draft:
    """A request to be built: ``own`` are the caller's ids, ``foreign`` the ids for the cell's position."""

    route: LiveRoute
    position: Position
    payload: Payload
    own: Ids
    foreign: Ids
    signing_secret: str = "nobody's"

    def request(self) -> Request:
        """Return the request. Raises Underivable."""
        if self.route.name in FORM_PAGES and self.route.method == "POST":
            return self._form({"email": f"walker-{uuid4().hex[:12]}@example.com"})
        if self.route.name in BROWSER_PAGES:
            return self._of_a_browser()
        if self.route.name == TOKEN:
            return self._token_request()
        if self.route.name in _ABOUT_A_TOKEN:
            return self._request_about_a_token()
        body = self._raw_body()
        headers = (("stripe-signature", sign(body, self.signing_secret)),) if body and self._signed else ()
        method = "GET" if self.route.method == "MOUNT" else self.route.method
        request = Request(method, self._path(), query=self._query(), headers=headers, body=body)
        if self.position.header is not None:
            name, pattern = self.position.header
            request = request.with_headers((name, pattern.format(token=self.foreign[SEARCH])))
        return request

    def _form(self, fields: dict[str, str]) -> Request:
        if self.route.template == "/account/register":
            fields |= {"name": "Walker", "password": "nine purple lanterns"}
        headers = (("content-type", "application/x-www-form-urlencoded"),)
        return Request("POST", self._path(), query=self._query(), headers=headers, body=urlencode(fields).encode())

    def _of_a_browser(self) -> Request:
        """Return the request of a browser with the caller's own session, which names another tenant's objects."""
        action, secret, kept = self.route.template, self.own["browser_secret"], f"insula_fs_{'F' * 43}"
        cookies = (("cookie", f"insula_session={secret}; insula_form={kept}"), *OWN_PAGE.items())
        if action in (AUTHORIZE, CONSENT):
            return self._authorize_request(secret).with_headers(*cookies)
        if self.route.method == "GET":
            return Request("GET", self._path(), query=self._query(), headers=cookies)
        fields = {
            "/auth/sign-in": {"email": self.foreign["public email"], "password": self.own["password"]},
            "/auth/tenant": {"tenant": self.foreign["tenant"]},
            "/auth/sign-out": {},
            END_SESSION: {"client_id": self.foreign["web client_id"]},
        }[action]
        token = form_token(kept if action == "/auth/sign-in" else secret, action)
        return self._form({**fields, "token": token}).with_headers(*cookies)

    def _authorize_request(self, secret: str) -> Request:
        """Return a request of another tenant's client, or the caller's consent to it."""
        asked = {
            "response_type": "code",
            "client_id": self.foreign["web client_id"],
            "redirect_uri": self.foreign["web redirect_uri"],
            "resource": self.own["resource"],
            "code_challenge": "c" * 43,
            "code_challenge_method": "S256",
        }
        if self.route.name == f"POST {AUTHORIZE}":
            return self._form(asked)
        query = {**self._query(), **asked}
        if self.route.method == "GET":
            return Request("GET", self._path(), query=query)
        token = form_token(secret, CONSENT + urlencode(query))
        return replace(self._form({"token": token, "answer": "allow"}), query=query)

    def _token_request(self) -> Request:
        fields = {"grant_type": "client_credentials", "resource": self.own["resource"]}
        fields |= {"client_id": self.foreign[f"{TOKEN} client_id"], "client_secret": self.own[f"{TOKEN} client_secret"]}
        return self._client_form(fields)

    def _request_about_a_token(self) -> Request:
        """Return a request of the caller's own client about another tenant's token."""
        fields = {"client_id": self.own["web client_id"], "client_secret": self.own["web client_secret"]}
        return self._client_form({**fields, "token": self.foreign["client refresh_token"]})

    def _client_form(self, fields: Ids) -> Request:
        headers = (("content-type", "application/x-www-form-urlencoded"),)
        return Request("POST", self._path(), headers=headers, body=urlencode(fields).encode())

    @property
    def _signed(self) -> bool:
        return _SIGNATURE in self.route.headers

    def _path(self) -> str:
        route = self.route
        if isinstance(route.endpoint, StaticFiles):
            return _a_file(route.template, route.endpoint)
        named = {name: self._id(name) for name in PARAMETER.findall(route.template)}
        path = PARAMETER.sub(lambda match: quote(named[match[1]], safe=""), route.template)
        return payloads.encoded(route.mount + path, self.payload)

    def _id(self, name: str) -> str:
        ids = self.foreign if name in self.position.path else self.own
        if name not in ids:
            raise Underivable(f"say in AttackHints(ids=...) which table's id {{{name}}} is")
        return ids[name]

    def _query(self) -> Mapping[str, str]:
        query = dict(_REQUIRED.get(self.route.name, {}))
        query |= {name: self.foreign[value] for name, value in self.position.query.items() if value in self.foreign}
        if self.payload == payloads.SQL and SEARCH in self.route.queries:
            query[SEARCH] = payloads.INJECTION
        if self.payload == payloads.SORTED:
            query[SORT] = payloads.INJECTION
        if self.payload == payloads.EXTRA and self.route.body is None:
            smuggled = payloads.smuggled(self.route, self.foreign["tenant_id"])
            query |= {name: str(value) for name, value in smuggled.items()}
        return query

    def _raw_body(self) -> bytes | None:
        if self.route.kind is UPLOAD:
            return self.foreign[SEARCH].encode()
        if self._signed:
            metadata = {"tenant_id": self.foreign["tenant_id"]}
            return json.dumps(event("nobody.knows", {"customer": "cus_x", "metadata": metadata})).encode()
        body = self._body()
        return None if body is None else json.dumps(body).encode()

    def _body(self) -> dict[str, Any] | None:
        if self.route.body is None:
            return None
        example = deepcopy(_example_of(self.route.body))
        if example is None:
            raise Underivable("its body's schema has no example to attack with")
        body = {name: self._value(name, value) for name, value in example.items()}
        if self.position.body:
            body = _with_value(body, self.position.body, self._named(self.position.body[-1], self.foreign))
        if self.payload == payloads.SQL:
            body = payloads.injected(self.route, body)
        if self.payload == payloads.FREE:
            body = payloads.written(self.route, body)
        if self.payload == payloads.EXTRA:
            body |= payloads.smuggled(self.route, self.foreign["tenant_id"])
        return body

    def _value(self, name: str, example: object) -> object:
        if (known := _GRANTABLE.get(name)) is not None and isinstance(example, list):
            return [code for code in example if code in known] or [min(known)]
        unique = {
            "slug": f"walker-{uuid4().hex[:12]}",
            "name": f"Walker {uuid4().hex[:8]}",
            "host": f"{uuid4().hex}.example.com",
        }
        others = self.route.public and name not in _SECRETS
        return unique.get(name, self._named(name, self.foreign if others else self.own, example))

    def _named(self, name: str, ids: Ids, default: object = None) -> object:
        if self.route.public and f"public {name}" in ids:
            return ids[f"public {name}"]
        return ids.get(f"{self.route.name} {name}", ids.get(name, default))


@cache
def _example_of(body: type[BaseModel]) -> dict[str, Any] | None:
    """Return the first example of a body."""
    examples = body.model_json_schema().get("examples")
    return dict(examples[0]) if examples else None


def unknown_ids(ids: Ids) -> dict[str, str]:
    """Return values of the same kinds that do not exist."""
    return {name: value if name == CURSOR else _unknown_value(value) for name, value in ids.items()}


def _unknown_value(value: str) -> str:
    if value.startswith("insula_inv_"):
        return new_token(new_id(), new_id())
    if value.startswith("insula_"):
        return new_secret(value[:9])
    if value.isdecimal():
        return "999999999"
    try:
        UUID(value)
    except ValueError:
        return f"nobodys-{uuid4().hex}"
    return str(new_id())


def _with_value(body: dict[str, Any], path: tuple[str, ...], value: object) -> dict[str, Any]:
    """Return the body with the value at the path ``path``; in a list, in the last of two elements."""
    name, *rest = path
    if not rest:
        return {**body, name: value}
    if rest[0] != "*":
        return {**body, name: _with_value(dict(body.get(name) or {}), tuple(rest), value)}
    if len(rest) == 1:
        return {**body, name: [*(body.get(name) or [])[:1], value]}
    innocent = dict(body[name][0])
    return {**body, name: [innocent, _with_value(innocent, tuple(rest[1:]), value)]}


def _a_file(path: str, files: StaticFiles) -> str:
    for directory in files.all_directories:
        for found in sorted(Path(directory).rglob("*.css")):
            return f"{path}/{found.relative_to(directory)}"
    raise Underivable("nothing is served there")
