"""The routes of the sign-in pages."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from http import HTTPStatus
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from insula.core.errors import AppError, BadRequest, PayloadTooLarge
from insula.core.ids import UserId
from insula.db.models import ACTIVE
from insula.http.kernel import kernel_of
from insula.http.routing.route import PublicRoute
from insula.identity import BrowserSession, EmailNotVerified, LoginRefused, fold
from insula.signin.browser.cookies import Cookie, new_form_secret
from insula.signin.browser.form_checks import ForeignForm, check_sender, form_token, has_token
from insula.signin.browser.pages import (
    SESSION,
    SIGN_IN,
    SIGN_OUT,
    SIGNED_OUT,
    TENANT,
    HostTenant,
    host_tenant,
    page,
    see,
    texts_of,
)
from insula.signin.errors import TooManyAttempts
from insula.signin.form_fields import read_fields
from insula.signin.login_throttle import LoginThrottle, ThrottleRates
from insula.signin.origin import address_of, origin_of
from insula.tenancy import TenantRecord

_LONGEST_EMAIL: Final = 320
_LONGEST_PASSWORD: Final = 1024
_Handler = Callable[[Request], Coroutine[Any, Any, Response]]

BROWSER_PAGES: Final = frozenset(
    {f"GET {path}" for path in (SIGN_IN, TENANT, SESSION, SIGNED_OUT)}
    | {f"POST {path}" for path in (SIGN_IN, TENANT, SIGN_OUT)}
)
"""The routes. They need no credentials of the API; the session of a browser is in its cookie."""


def browser_router(rates: ThrottleRates | None = None) -> APIRouter:
    """Return the pages; ``rates`` limit each caller's attempts, together with the API's."""
    router = APIRouter(route_class=PublicRoute, include_in_schema=False)
    sign_in = _SignIn(rates or ThrottleRates())
    for path, method, handler in (
        (SIGN_IN, "GET", sign_in.show),
        (SIGN_IN, "POST", sign_in.submit),
        (TENANT, "GET", show_tenants),
        (TENANT, "POST", choose_tenant),
        (SESSION, "GET", show_session),
        (SIGN_OUT, "POST", sign_out),
        (SIGNED_OUT, "GET", show_signed_out),
    ):
        router.add_api_route(path, _explaining(handler), methods=[method])
    return router


def _explaining(handler: _Handler) -> _Handler:
    """Answer the refusal of a form with a page in the visitor's language."""

    @wraps(handler)
    async def run(request: Request) -> Response:
        try:
            return await handler(request)
        except ForeignForm as error:
            return _refusal(request, error, texts_of(request).foreign)
        except (BadRequest, PayloadTooLarge) as error:
            return _refusal(request, error, texts_of(request).malformed)

    return run


def _refusal(request: Request, error: AppError, text: str) -> Response:
    return page(request, "refused", texts_of(request).failed, status=error.status, text=text)


@dataclass(frozen=True, slots=True)
class _Refused:
    """A refused sign-in: the address, the errors beside the fields, and an error of the form as a whole."""

    email: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)
    failure: str = ""
    status: int = HTTPStatus.UNPROCESSABLE_ENTITY
    unverified: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


class _SignIn:
    """The page that asks for email and password."""

    def __init__(self, rates: ThrottleRates) -> None:
        self._rates = rates

    async def show(self, request: Request) -> Response:
        """Show the form, or the session of a user who is signed in."""
        if await _session(request) is not None:
            return see(SESSION)
        return await self._form(request, _Refused(status=HTTPStatus.OK))

    async def submit(self, request: Request) -> Response:
        """Sign in; a session that the browser had before ends."""
        check_sender(request)
        fields = await read_fields(request)
        refused, email = _incomplete(request, fields), fields.get("email", "")
        if refused is not None:
            return await self._form(request, refused)
        texts = texts_of(request)
        try:
            return await self._signed_in(request, email, fields["password"])
        except LoginRefused:
            return await self._form(request, _Refused(email, failure=texts.refused))
        except EmailNotVerified:
            return await self._form(request, _Refused(email, failure=texts.unverified, unverified=True))
        except TooManyAttempts as error:
            limited = _Refused(email, failure=texts.too_many, status=error.status, headers=error.headers)
            return await self._form(request, limited)

    async def _signed_in(self, request: Request, email: str, password: str) -> Response:
        kernel = kernel_of(request)
        await LoginThrottle(kernel.limits, self._rates).login(fold(email), address_of(request))
        if len(password) > _LONGEST_PASSWORD:
            raise LoginRefused
        host = await host_tenant(request)
        proof = await kernel.authenticator.prove_password(email, password)
        choices = await _choices(request, proof.user_id, host)
        only = choices[0].id if len(choices) == 1 else None
        replaced, origin = Cookie.SESSION.read(request), origin_of(request)
        secret = await kernel.browser_sessions.open(proof, only, replaced=replaced, origin=origin)
        answer = see(TENANT if len(choices) > 1 else SESSION)
        Cookie.SESSION.write(request, answer, secret)
        Cookie.FORM.delete(request, answer)
        return answer

    async def _form(self, request: Request, refused: _Refused) -> Response:
        host, secret = await host_tenant(request), Cookie.FORM.read(request) or new_form_secret()
        shown = page(
            request,
            "sign_in",
            texts_of(request).sign_in,
            status=refused.status,
            action=SIGN_IN,
            token=form_token(secret, SIGN_IN),
            refused=refused,
            host=host,
        )
        shown.headers.update(refused.headers)
        Cookie.FORM.write(request, shown, secret)
        return shown


def _incomplete(request: Request, fields: Mapping[str, str]) -> _Refused | None:
    """Return how a form is refused that this browser did not get from us, or that lacks a field."""
    texts, email = texts_of(request), fields.get("email", "")
    if not has_token(Cookie.FORM.read(request), SIGN_IN, fields.get("token", "")):
        return _Refused(email, failure=texts.expired, status=HTTPStatus.FORBIDDEN)
    if not email or len(email) > _LONGEST_EMAIL:
        return _Refused(email[:_LONGEST_EMAIL], {"email": texts.email_invalid})
    return None if fields.get("password") else _Refused(email, {"password": texts.password_missing})


async def show_session(request: Request) -> Response:
    """Show the user and the tenant of this browser's session."""
    session = await _session(request)
    if session is None:
        return see(SIGN_IN)
    host = await host_tenant(request)
    choices = await _choices(request, session.user_id, host)
    chosen = next((tenant for tenant in choices if tenant.id == session.tenant_id), None)
    return page(
        request,
        "session",
        texts_of(request).signed_in,
        session=session,
        chosen=chosen,
        others=[tenant for tenant in choices if tenant is not chosen],
        host=host,
        choose=TENANT,
        action=SIGN_OUT,
        token=form_token(session.secret, SIGN_OUT),
    )


async def show_tenants(request: Request) -> Response:
    """Show the tenants that the user can choose."""
    session = await _session(request)
    if session is None:
        return see(SIGN_IN)
    return await _tenants(request, session)


async def choose_tenant(request: Request) -> Response:
    """Choose one of the user's tenants for this browser's session."""
    check_sender(request)
    fields = await read_fields(request)
    session = await _session(request)
    if session is None:
        return see(SIGN_IN)
    texts = texts_of(request)
    if not has_token(session.secret, TENANT, fields.get("token", "")):
        return await _tenants(request, session, texts.expired, HTTPStatus.FORBIDDEN)
    choices = await _choices(request, session.user_id, await host_tenant(request))
    chosen = next((tenant for tenant in choices if tenant.slug == fields.get("tenant")), None)
    if chosen is None:
        return await _tenants(request, session, texts.not_yours, HTTPStatus.UNPROCESSABLE_ENTITY)
    secret = await kernel_of(request).browser_sessions.choose(session.secret, chosen.id)
    if secret is None:
        return see(SESSION)  # another tab of this browser was faster: its cookie is valid
    answer = see(SESSION)
    Cookie.SESSION.write(request, answer, secret)
    return answer


async def sign_out(request: Request) -> Response:
    """End this browser's session."""
    check_sender(request)
    fields = await read_fields(request)
    secret = Cookie.SESSION.read(request)
    if secret is not None and not has_token(secret, SIGN_OUT, fields.get("token", "")):
        texts = texts_of(request)
        return page(request, "refused", texts.failed, status=HTTPStatus.FORBIDDEN, text=texts.expired)
    if secret is not None:
        await kernel_of(request).browser_sessions.close(secret, origin_of(request))
    answer = see(SIGNED_OUT)
    Cookie.SESSION.delete(request, answer)
    return answer


async def show_signed_out(request: Request) -> Response:
    """Show that nobody is signed in, or the session of a user who is."""
    if await _session(request) is not None:
        return see(SESSION)
    return page(request, "signed_out", texts_of(request).signed_out, action=SIGN_IN)


async def _session(request: Request) -> BrowserSession | None:
    """Return the browser's session. The cookie of an ended one stays: another tab may be getting a new one just now."""
    secret = Cookie.SESSION.read(request)
    return None if secret is None else await kernel_of(request).browser_sessions.find(secret)


async def _choices(request: Request, user_id: UserId, host: HostTenant | None) -> Sequence[TenantRecord]:
    """Return the active tenants of the user; at the host name of a tenant, that one at most."""
    memberships = await kernel_of(request).directory.memberships(user_id)
    return [tenant for tenant, _ in memberships if tenant.status == ACTIVE and (host is None or tenant.id == host.id)]


async def _tenants(
    request: Request, session: BrowserSession, failure: str = "", status: int = HTTPStatus.OK
) -> Response:
    host = await host_tenant(request)
    return page(
        request,
        "choose",
        texts_of(request).choose,
        status=status,
        failure=failure,
        choices=await _choices(request, session.user_id, host),
        chosen_id=session.tenant_id,
        host=host,
        action=TENANT,
        onward=SESSION,
        token=form_token(session.secret, TENANT),
    )
