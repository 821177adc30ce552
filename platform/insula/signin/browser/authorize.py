"""The authorize endpoint: it leads the user through sign-in, choice of tenant and consent, then back to the client."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from authlib.oauth2.rfc6749.errors import AccessDeniedError, OAuth2Error
from fastapi import Request, Response

from insula.callers import Members, NamedTenants
from insula.core import clock
from insula.core.ids import TenantId
from insula.http.app_context import AppContext
from insula.http.kernel import Kernel, kernel_of
from insula.identity import BrowserSession
from insula.identity.credentials.claims import IDENTITY_SCOPES
from insula.identity.credentials.tokens import issuer_of
from insula.identity.oauth.authorizations import Authorization, Consent
from insula.identity.oauth.authorize import (
    Asked,
    AuthorizeServer,
    ChoiceRequiredError,
    ConsentRequiredError,
    LoginRequiredError,
)
from insula.identity.oauth.front import InvalidTargetError
from insula.signin.browser.continuing import Continuing
from insula.signin.browser.form_checks import check_sender, form_token, has_token
from insula.signin.browser.pages import (
    AUTHORIZE,
    CONSENT,
    SIGN_IN,
    TENANT,
    host_tenant,
    page,
    see,
    see_posted,
    texts_of,
    unknown_client,
)
from insula.signin.browser.sessions import choices_of, session_of
from insula.signin.clients import find_client
from insula.signin.errors import ResourceUnknown
from insula.signin.form_fields import read_fields
from insula.signin.origin import origin_of
from insula.signin.selection import NotAdmitted, admitted, app_of


@dataclass(frozen=True, slots=True)
class _Request:
    """An authorize request under way: its client, its app and its scopes are checked."""

    http: Request
    kernel: Kernel
    continuing: Continuing
    asked: Asked
    app: AppContext
    scopes: frozenset[str] | None

    @property
    def silent(self) -> bool:
        """Whether the user must not be asked anything."""
        return "none" in self.asked.prompts

    def must_sign_in(self, session: BrowserSession) -> bool:
        """Return whether the request asks for a sign-in that is newer than this session's."""
        if self.continuing.is_proven(session):
            return False
        if self.asked.prompts & {"login", "select_account"}:
            return True
        max_age = self.asked.query.parameters.get("max_age")
        return max_age is not None and clock.now() - session.signed_in_at >= timedelta(seconds=int(max_age[:9]))


_Step = Callable[[_Request], Awaitable[Response]]


async def authorize(request: Request) -> Response:
    """Lead a user who comes from a client to the next step, or back to the client."""
    return await _answered(request, _next_step)


async def authorize_by_form(request: Request) -> Response:
    """Take a request that was posted (OpenID Connect Core 3.1.2.1). The browser then asks by GET, with its cookies."""
    return await see_posted(request, AUTHORIZE)


async def decide(request: Request) -> Response:
    """Take the user's answer to the question for consent."""
    check_sender(request)
    return await _answered(request, _decided)


async def _answered(request: Request, step: _Step) -> Response:
    kernel, continuing = kernel_of(request), Continuing.of(request)
    if continuing is None:
        return unknown_client(request)
    try:
        asked = await continuing.asked(kernel)
    except OAuth2Error:
        return unknown_client(request)
    try:
        server = AuthorizeServer(find_client(kernel), kernel.policy.actions)
        scopes = await server.scopes_of(asked)
        app = _app(kernel, asked)
        return await step(_Request(request, kernel, continuing, asked, app, scopes))
    except OAuth2Error as error:
        described = {"error": error.error, "error_description": error.description or "The request is refused."}
        return _back(request, asked, described)


def _app(kernel: Kernel, asked: Asked) -> AppContext:
    try:
        return app_of(kernel.apps, asked.query.parameters.get("resource", ""))
    except ResourceUnknown as error:
        raise InvalidTargetError("Name one resource: the URI of the app that the token is for.") from error


async def _next_step(given: _Request) -> Response:
    request, session = given.http, await session_of(given.http)
    if session is None or given.must_sign_in(session):
        if given.silent:
            raise LoginRequiredError
        return see(given.continuing.at(SIGN_IN))
    tenant_id = await _tenant(given, session)
    if isinstance(tenant_id, Response):
        return tenant_id
    consent = await _consent(given, session)
    asks = "consent" in given.asked.prompts
    owner = given.asked.client.tenant_id
    if owner is not None and (consent is None or not (given.scopes or frozenset()) <= consent.scopes):
        asks = True
    if not asks:
        return await _code(given, session, tenant_id, consent)
    if given.silent:
        raise ConsentRequiredError
    return await _question(request, given, session, tenant_id)


async def _decided(given: _Request) -> Response:
    request, session = given.http, await session_of(given.http)
    fields = await read_fields(request)
    if session is None:
        return see(given.continuing.at(SIGN_IN))
    if not has_token(session.secret, CONSENT + given.continuing.query, fields.get("token", "")):
        return see(given.continuing.at(AUTHORIZE))  # another tab has signed in or chosen anew: ask again
    if fields.get("answer") != "allow":
        raise AccessDeniedError("The user did not agree.")
    tenant_id = await _tenant(given, session)
    if isinstance(tenant_id, Response):
        return tenant_id
    owner, consent = given.asked.client.tenant_id, None
    if owner is not None:
        scopes = given.scopes or frozenset()
        consent = await given.kernel.authorizations.consent_to(
            owner, given.asked.client.client_id, session.user_id, scopes, origin_of(request)
        )
    return await _code(given, session, tenant_id, consent)


async def _tenant(given: _Request, session: BrowserSession) -> TenantId | Response | None:
    """Return the tenant of the token, or the page that asks for it.

    Raises AccessDeniedError and ChoiceRequiredError.
    """
    host = await host_tenant(given.http)
    owner = given.asked.client.tenant_id
    named = {tenant for tenant in (owner, host.id if host else None) if tenant is not None}
    if not named and any(isinstance(kind, Members) for kind in given.app.callers.signed_in):
        choices = await choices_of(given.http, session.user_id, None)
        chosen = session.tenant_id if session.tenant_id in {tenant.id for tenant in choices} else None
        if chosen is None and choices:
            if given.silent:
                raise ChoiceRequiredError
            return see(given.continuing.at(TENANT))
        named = {chosen} if chosen is not None else set()
    return await _admitted(given, session, frozenset(named))


async def _admitted(given: _Request, session: BrowserSession, named: NamedTenants) -> TenantId | None:
    try:
        tenant = await admitted(given.kernel, session.user_id, given.app, named)
    except NotAdmitted as error:
        raise AccessDeniedError("The user has no access to this app and organisation.") from error
    return tenant.id if tenant is not None else None


async def _consent(given: _Request, session: BrowserSession) -> Consent | None:
    owner = given.asked.client.tenant_id
    if owner is None:
        return None
    return await given.kernel.authorizations.consent(owner, given.asked.client.client_id, session.user_id)


async def _question(request: Request, given: _Request, session: BrowserSession, tenant_id: TenantId | None) -> Response:
    kernel, texts = given.kernel, texts_of(request)
    published = kernel.policy.published
    scopes = sorted(given.scopes or ())
    actions = [scope for scope in scopes if scope not in IDENTITY_SCOPES]
    meanings = {"openid": texts.scope_openid, "profile": texts.scope_profile, "email": texts.scope_email}
    name = None if tenant_id is None else await kernel.directory.tenant_name(tenant_id)
    return page(
        request,
        "consent",
        texts.consent,
        leads_to=given.asked.origin,
        client=given.asked.client.name,
        tenant=name,
        session=session,
        everything=given.asked.client.scopes is None and not actions,
        identity=[meanings[scope] for scope in scopes if scope in meanings],
        actions=[published[scope].meaning if scope in published else scope for scope in actions],
        destination=given.asked.origin,
        action=given.continuing.at(CONSENT),
        token=form_token(session.secret, CONSENT + given.continuing.query),
    )


async def _code(
    given: _Request, session: BrowserSession, tenant_id: TenantId | None, consent: Consent | None
) -> Response:
    sent = given.asked.query.parameters
    authorization = Authorization(
        client_id=given.asked.client.client_id,
        parent_id=session.session_id,
        tenant_id=tenant_id,
        consent_id=consent.id if consent is not None else None,
        redirect_uri=given.asked.redirect_uri,
        resource=given.app.audience,
        scopes=given.scopes,
        challenge=sent["code_challenge"],
        nonce=sent.get("nonce"),
    )
    code = await given.kernel.authorizations.issue_code(authorization)
    return _back(given.http, given.asked, {"code": code})


def _back(request: Request, asked: Asked, values: Mapping[str, str]) -> Response:
    """Lead the browser back to the client, with an answer for it."""
    answer = asked.answer(issuer_of(kernel_of(request).settings), values)
    if asked.query.parameters.get("response_mode") == "form_post":
        return page(
            request,
            "form_post",
            texts_of(request).back_to_client,
            leads_to=asked.origin,
            action=asked.redirect_uri,
            values=answer,
        )
    return see(asked.location(answer))
