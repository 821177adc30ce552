"""The end-session endpoint (OpenID Connect RP-Initiated Logout 1.0): a client leads the user here to sign out.

An ID token that this browser's session gave to a client shows that the client may ask: then the session ends at once.
Anybody else can send a link, so the user is asked.
"""

from collections.abc import Mapping

from fastapi import Request, Response

from insula.core.errors import Unauthenticated
from insula.http.kernel import Kernel, kernel_of
from insula.identity.credentials.claims import Hint
from insula.identity.oauth.clients import ClientRecord
from insula.identity.oauth.front import read_query
from insula.identity.oauth.redirect_uris import with_parameters
from insula.signin.browser.cookies import Cookie
from insula.signin.browser.form_checks import form_token
from insula.signin.browser.pages import END_SESSION, SESSION, SIGN_OUT, SIGNED_OUT, page, see, see_posted, texts_of
from insula.signin.browser.sessions import session_of
from insula.signin.clients import find_client
from insula.signin.origin import origin_of


async def end_session(request: Request) -> Response:
    """End this browser's session for a client with a valid hint; else ask the user."""
    query = read_query(request.scope["query_string"])
    if query.fault is not None:
        raise query.fault
    kernel, sent, session = kernel_of(request), query.parameters, await session_of(request)
    hint, client = await _hinted(kernel, sent)
    if session is not None:
        if hint is None or not await kernel.browser_sessions.gave(session, hint):
            return page(
                request,
                "end_session",
                texts_of(request).end_session,
                session=session,
                action=SIGN_OUT,
                token=form_token(session.secret, SIGN_OUT),
                onward=SESSION,
            )
        await kernel.browser_sessions.close(session.secret, origin_of(request))
    answer = see(_destination(client, sent))
    Cookie.SESSION.delete(request, answer)
    return answer


async def end_session_by_form(request: Request) -> Response:
    """Take a request that a client's page has posted. The browser then asks by GET, with its cookies."""
    return await see_posted(request, END_SESSION)


async def _hinted(kernel: Kernel, sent: Mapping[str, str]) -> tuple[Hint, ClientRecord] | tuple[None, None]:
    """Return the hint and its live client. Without both, or with another client named beside it, the hint is void."""
    try:
        hint = await kernel.id_tokens.read_hint(sent.get("id_token_hint", ""))
    except Unauthenticated:
        return None, None
    client = await find_client(kernel)(hint.client_id)
    if client is None or sent.get("client_id", str(hint.client_id)) != str(hint.client_id):
        return None, None
    return hint, client


def _destination(client: ClientRecord | None, sent: Mapping[str, str]) -> str:
    """Return the client's registered URI with the state as it was sent; else the address of our own page."""
    uri = sent.get("post_logout_redirect_uri", "")
    if client is None or uri not in client.post_logout_redirect_uris:
        return SIGNED_OUT
    if "state" not in sent:
        return uri
    return with_parameters(uri, {"state": sent["state"]})
