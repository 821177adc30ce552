"""Every page in each of its states, for the checks of accessibility and for the screenshots."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from playwright.sync_api import Page, Route

from insula.core.settings import Settings
from insula.dev.seed import BOTH, DOCS_CLIENT
from insula.dev.seed import PASSWORD as DEMO_PASSWORD
from insula.identity.accounts.emails import PASSWORD_RESET
from insula.mail.mailbox import Mailbox
from insula.mail.message import compose
from insula.site.docs import REDIRECT

PASSWORD: Final = "nine purple lanterns"
MAIL: Final = "Set a new password"
Steps = Callable[[Page], None]


def _nothing(_page: Page) -> None:
    """Show the page as it opens."""


@dataclass(frozen=True)
class Shown:
    """A page in a state, to which ``steps`` lead from its address."""

    name: str
    path: str
    steps: Steps = _nothing
    ready: str = "h1"
    """A selector of the part that is loaded last."""


def _answering(path: str, status: int, answer: object) -> Steps:
    """Return a step that lets the server answer a request in a certain way."""

    def fulfil(route: Route) -> None:
        kind = "application/json" if status < 400 else "application/problem+json"
        route.fulfill(status=status, content_type=kind, body="" if answer is None else json.dumps(answer))

    def step(page: Page) -> None:
        page.route(f"**{path}", fulfil)

    return step


def _sent(path: str, status: int, answer: object, *fields: tuple[str, str]) -> Steps:
    """Return steps that fill in the fields, submit the form and get an answer."""

    def steps(page: Page) -> None:
        _answering("/auth/login", 200, {"access_token": "a", "refresh_token": "r"})(page)
        _answering("/auth/logout", 204, None)(page)
        _answering(path, status, answer)(page)
        for label, text in fields:
            page.get_by_label(label, exact=True).fill(text)
        page.locator("button[type=submit]:visible").click()
        page.locator("h1:focus, [role=alert]:visible, [aria-invalid]").first.wait_for()

    return steps


def _problem(code: str, detail: str) -> dict[str, str]:
    return {"code": code, "detail": detail}


def _registered(page: Page) -> None:
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("Email").fill("ada")
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_role("button", name="Show password").click()
    page.locator("button[type=submit]").click()


def _mail(page: Page) -> None:
    page.get_by_role("link", name=MAIL).first.click()


def _afresh(page: Page) -> None:
    """Open the page again, without the cookies of earlier pages."""
    page.context.clear_cookies()
    page.reload()


def _signing_in(email: str, password: str = DEMO_PASSWORD) -> Steps:
    """Return steps that fill in the sign-in form and send it."""

    def steps(page: Page) -> None:
        _afresh(page)
        page.get_by_label("Email").fill(email)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()
        page.locator("[role=alert], .choices, form[action='/auth/sign-out']").first.wait_for()

    return steps


def _in_german(page: Page) -> None:
    page.set_extra_http_headers({"Accept-Language": "de"})
    _afresh(page)
    page.set_extra_http_headers({})


def _refused_sign_out(page: Page) -> None:
    _signing_in("admin@acme.example")(page)
    page.locator("[name=token]").evaluate("(field) => { field.value = 'x'; }")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("alert").wait_for()


def _authorizing(*scopes: str, language: str = "en", **more: str) -> Steps:
    """Return steps that come from the client of the docs pages with a request, and sign in for it."""

    def steps(page: Page) -> None:
        described = page.request.get("/.well-known/oauth-protected-resource/api").json()
        asked = {
            "response_type": "code",
            "client_id": str(DOCS_CLIENT),
            "redirect_uri": f"{described['authorization_servers'][0]}{REDIRECT}",
            "resource": described["resource"],
            "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            "code_challenge_method": "S256",
            **({"scope": " ".join(scopes)} if scopes else {}),
            **more,
        }
        page.context.clear_cookies()
        page.set_extra_http_headers({"Accept-Language": language})
        page.goto(f"/auth/authorize?{urlencode(asked)}")
        page.locator("[name=email]").fill("owner@acme.example")
        page.locator("[name=password]").fill(DEMO_PASSWORD)
        page.locator("button[type=submit]").click()
        page.locator("button[value=allow], form:not([action^='/']) button").first.wait_for()
        page.set_extra_http_headers({})

    return steps


_SOME: Final = ("openid", "profile", "email", "member:read", "tenant:read", "api_key:read")
_ACCEPT: Final = "/api/v1/invitations/accept"
_SIGN_IN: Final = (("Email", "ada@example.com"), ("Password", PASSWORD))
_VERIFY: Final = ("Password", PASSWORD)
_RESET: Final = ("New password", PASSWORD)

PAGES: Final = (
    Shown("home", "/", ready="#health[data-state=ready]"),
    Shown("register", "/account/register"),
    Shown("register-errors", "/account/register", _registered),
    Shown("register-sent", "/account/register?sent"),
    Shown("forgot", "/account/forgot"),
    Shown("forgot-sent", "/account/forgot?sent"),
    Shown("resend", "/account/resend"),
    Shown("verify", "/account/verify#token=x"),
    Shown("verify-bare", "/account/verify"),
    Shown("verify-done", "/account/verify#token=x", _sent("/auth/verify", 204, None, _VERIFY)),
    Shown(
        "verify-dead",
        "/account/verify#token=x",
        _sent("/auth/verify", 400, _problem("link_refused", "The link is invalid"), _VERIFY),
    ),
    Shown("reset", "/account/reset#token=x"),
    Shown("reset-done", "/account/reset#token=x", _sent("/auth/password/reset/confirm", 204, None, _RESET)),
    Shown(
        "reset-error",
        "/account/reset#token=x",
        _sent(
            "/auth/password/reset/confirm",
            422,
            _problem("password_too_easy", "This password is easy to guess; choose another"),
            _RESET,
        ),
    ),
    Shown(
        "reset-failure",
        "/account/reset#token=x",
        _sent(
            "/auth/password/reset/confirm",
            429,
            _problem("too_many_attempts", "Too many attempts; wait before the next one"),
            _RESET,
        ),
    ),
    Shown("invitation", "/invitations/accept#token=x"),
    Shown("invitation-bare", "/invitations/accept"),
    Shown(
        "invitation-done",
        "/invitations/accept#token=x",
        _sent(_ACCEPT, 200, {"name": "Acme Incorporated", "slug": "acme"}, *_SIGN_IN),
    ),
    Shown(
        "invitation-dead",
        "/invitations/accept#token=x",
        _sent(_ACCEPT, 404, _problem("invitation_invalid", "no"), *_SIGN_IN),
    ),
    Shown(
        "invitation-unverified",
        "/invitations/accept#token=x",
        _sent(_ACCEPT, 403, _problem("email_not_verified", "no"), *_SIGN_IN),
    ),
    Shown("sign-in", "/auth/sign-in", _afresh),
    Shown("sign-in-german", "/auth/sign-in", _in_german),
    Shown("sign-in-refused", "/auth/sign-in", _signing_in("ada@example.com", "a wrong password")),
    Shown("tenants", "/auth/sign-in", _signing_in(BOTH)),
    Shown("session", "/auth/sign-in", _signing_in("owner@acme.example")),
    Shown("sign-out-refused", "/auth/sign-in", _refused_sign_out),
    Shown("signed-out", "/auth/signed-out", _afresh),
    Shown("consent", "/auth/sign-in", _authorizing(*_SOME, prompt="consent")),
    Shown("consent-german", "/auth/sign-in", _authorizing(*_SOME, language="de", prompt="consent")),
    Shown("consent-everything", "/auth/sign-in", _authorizing(prompt="consent")),
    Shown("form-post", "/auth/sign-in", _authorizing(response_mode="form_post")),
    Shown("form-post-german", "/auth/sign-in", _authorizing(language="de", response_mode="form_post")),
    Shown("oauth2-redirect", REDIRECT),
    Shown("mailbox", "/mailbox"),
    Shown("mail", "/mailbox", _mail),
    Shown("not-found", "/nowhere"),
    Shown("not-a-page", "/api/v1/members"),
    Shown("errors", "/errors"),
    Shown("error", "/errors/not_found"),
)
"""The pages that are ours alone."""


def shortened(document: dict[str, Any]) -> dict[str, Any]:
    """Return an OpenAPI document without the operations that show nothing that those before them do not show."""
    known: set[object] = set()
    paths: dict[str, dict[str, Any]] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            shown = _features(method, operation)
            if not shown <= known:
                paths.setdefault(path, {})[method] = operation
            known |= shown
    return {**document, "paths": paths}


def _features(method: str, operation: dict[str, Any]) -> set[object]:
    """Return the kinds of parts that a docs page shows of an operation."""
    found: set[object] = {
        method,
        ("deprecated", "deprecated" in operation),
        *operation.get("requestBody", {}).get("content", ()),
    }
    for parameter in operation.get("parameters", ()):
        schema = parameter.get("schema", {})
        found.add((parameter.get("in"), schema.get("type"), schema.get("format"), "enum" in schema, "$ref" in schema))
    found |= {status for status in operation["responses"] if status < "400"}
    return found


def keep_mails(settings: Settings) -> None:
    """Put emails into the mailbox, as the worker of a developer's machine does."""
    mailbox = Mailbox(settings.data_dir)
    for number, to in enumerate(("ada@acme.example", "a.rather.long.name+with-a-tag@subsidiary.globex.example")):
        link = {"link": f"{settings.public_url}/account/reset#token=insula_pr_{number}tVNB8sFbZ0r9sQhB1mYjPq5o2xW7uL"}
        message = compose(
            sender="Insula <no-reply@localhost>",
            brand="Insula",
            to=to,
            template=PASSWORD_RESET,
            context=link,
            message_key=to,
        )
        mailbox.store(bytes(message))


def axe_script(root: Path) -> str:
    """Return axe-core, which scripts/axe_core.py fetched."""
    lock = json.loads((root / "tests" / "browser" / "package-lock.json").read_text())
    version = lock["packages"]["node_modules/axe-core"]["version"]
    return (root / "build" / "axe" / f"axe-{version}.min.js").read_text()


def file_name(shown: Shown, width: int, scheme: str) -> str:
    """Return the name of a screenshot."""
    return re.sub(r"[^a-z0-9-]", "-", f"{shown.name}-{width}-{scheme}") + ".png"
