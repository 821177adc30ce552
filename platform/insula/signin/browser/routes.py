"""The routes of the sign-in pages."""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from functools import wraps
from http import HTTPStatus
from typing import Any, Final

from authlib.oauth2.rfc6749.errors import OAuth2Error
from fastapi import APIRouter, Request, Response

from insula.core.errors import AppError, BadRequest, PayloadTooLarge
from insula.http.kernel import kernel_of
from insula.http.routing.route import PublicRoute
from insula.identity import BrowserSession, EmailNotVerified, LoginRefused, fold
from insula.signin.browser.authorize import authorize, authorize_by_form, decide
from insula.signin.browser.continuing import Continuing
from insula.signin.browser.cookies import Cookie, new_form_secret
from insula.signin.browser.end_session import end_session, end_session_by_form
from insula.signin.browser.form_checks import ForeignForm, check_sender, form_token, has_token
from insula.signin.browser.pages import (
    AUTHORIZE,
    CONSENT,
    END_SESSION,
    SESSION,
    SIGN_IN,
    SIGN_OUT,
    SIGNED_OUT,
    TENANT,
    host_tenant,
    page,
    see,
    texts_of,
)
from insula.signin.browser.sessions import choices_of, session_of
from insula.signin.errors import TooManyAttempts
from insula.signin.form_fields import read_fields
from insula.signin.login_throttle import LoginThrottle, ThrottleRates
from insula.signin.origin import address_of, origin_of

_LONGEST_EMAIL: Final = 320
_LONGEST_PASSWORD: Final = 1024
_Handler = Callable[[Request], Coroutine[Any, Any, Response]]

BROWSER_PAGES: Final = frozenset(
    {f"GET {path}" for path in (SIGN_IN, TENANT, SESSION, SIGNED_OUT, AUTHORIZE, END_SESSION)}
    | {f"POST {path}" for path in (SIGN_IN, TENANT, SIGN_OUT, AUTHORIZE, CONSENT, END_SESSION)}
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
        (AUTHORIZE, "GET", authorize),
        (AUTHORIZE, "POST", authorize_by_form),
        (CONSENT, "POST", decide),
        (END_SESSION, "GET", end_session),
        (END_SESSION, "POST", end_session_by_form),
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
        except OAuth2Error:
            return _refusal(request, BadRequest(), texts_of(request).unknown_client)
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
        """Show the form, or the session of a user who is signed in.

        The form is shown to a signed-in user too if an authorize request waits: only then does it lead here.
        """
        waiting = Continuing.of(request)
        if waiting is None and await session_of(request) is not None:
            return see(SESSION)
        hint = (
            "" if waiting is None else (await waiting.asked(kernel_of(request))).query.parameters.get("login_hint", "")
        )
        return await self._form(request, _Refused(hint[:_LONGEST_EMAIL], status=HTTPStatus.OK))

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
        choices = await choices_of(request, proof.user_id, host)
        only = choices[0].id if len(choices) == 1 else None
        replaced, origin = Cookie.SESSION.read(request), origin_of(request)
        secret = await kernel.browser_sessions.open(proof, only, replaced=replaced, origin=origin)
        waiting = Continuing.of(request)
        if waiting is not None:
            answer = see(waiting.proven(secret).at(AUTHORIZE))
        else:
            answer = see(TENANT if len(choices) > 1 else SESSION)
        Cookie.SESSION.write(request, answer, secret)
        Cookie.FORM.delete(request, answer)
        return answer

    async def _form(self, request: Request, refused: _Refused) -> Response:
        host, secret = await host_tenant(request), Cookie.FORM.read(request) or new_form_secret()
        action = _address(request, SIGN_IN)
        shown = page(
            request,
            "sign_in",
            texts_of(request).sign_in,
            status=refused.status,
            leads_to=await _leads_to(request),
            action=action,
            token=form_token(secret, action),
            refused=refused,
            host=host,
        )
        shown.headers.update(refused.headers)
        Cookie.FORM.write(request, shown, secret)
        return shown


def _incomplete(request: Request, fields: Mapping[str, str]) -> _Refused | None:
    """Return how a form is refused that this browser did not get from us, or that lacks a field."""
    texts, email = texts_of(request), fields.get("email", "")
    if not has_token(Cookie.FORM.read(request), _address(request, SIGN_IN), fields.get("token", "")):
        return _Refused(email, failure=texts.expired, status=HTTPStatus.FORBIDDEN)
    if not email or len(email) > _LONGEST_EMAIL:
        return _Refused(email[:_LONGEST_EMAIL], {"email": texts.email_invalid})
    return None if fields.get("password") else _Refused(email, {"password": texts.password_missing})


async def show_session(request: Request) -> Response:
    """Show the user and the tenant of this browser's session."""
    session = await session_of(request)
    if session is None:
        return see(SIGN_IN)
    host = await host_tenant(request)
    choices = await choices_of(request, session.user_id, host)
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
    session = await session_of(request)
    if session is None:
        return see(_address(request, SIGN_IN))
    return await _tenants(request, session)


async def choose_tenant(request: Request) -> Response:
    """Choose one of the user's tenants for this browser's session."""
    check_sender(request)
    fields = await read_fields(request)
    session = await session_of(request)
    if session is None:
        return see(_address(request, SIGN_IN))
    texts = texts_of(request)
    if not has_token(session.secret, _address(request, TENANT), fields.get("token", "")):
        return await _tenants(request, session, texts.expired, HTTPStatus.FORBIDDEN)
    choices = await choices_of(request, session.user_id, await host_tenant(request))
    chosen = next((tenant for tenant in choices if tenant.slug == fields.get("tenant")), None)
    if chosen is None:
        return await _tenants(request, session, texts.not_yours, HTTPStatus.UNPROCESSABLE_ENTITY)
    secret, waiting = (
        await kernel_of(request).browser_sessions.choose(session.secret, chosen.id),
        Continuing.of(request),
    )
    if secret is None:  # another tab of this browser was faster: its cookie is valid
        return see(SESSION if waiting is None else waiting.at(AUTHORIZE))
    if waiting is not None and waiting.is_proven(session):
        waiting = waiting.proven(secret)
    answer = see(SESSION if waiting is None else waiting.at(AUTHORIZE))
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
    if await session_of(request) is not None:
        return see(SESSION)
    return page(request, "signed_out", texts_of(request).signed_out, action=SIGN_IN)


async def _tenants(
    request: Request, session: BrowserSession, failure: str = "", status: int = HTTPStatus.OK
) -> Response:
    host, action = await host_tenant(request), _address(request, TENANT)
    return page(
        request,
        "choose",
        texts_of(request).choose,
        status=status,
        leads_to=await _leads_to(request),
        failure=failure,
        choices=await choices_of(request, session.user_id, host),
        chosen_id=session.tenant_id,
        host=host,
        action=action,
        onward=SESSION if Continuing.of(request) is None else "",
        token=form_token(session.secret, action),
    )


def _address(request: Request, path: str) -> str:
    """Return the address of a page's form; it keeps the authorize request that waits."""
    waiting = Continuing.of(request)
    return path if waiting is None else waiting.at(path)


async def _leads_to(request: Request) -> str | None:
    """Return the origin to which an authorize request that waits may lead at last."""
    waiting = Continuing.of(request)
    return None if waiting is None else (await waiting.asked(kernel_of(request))).origin
