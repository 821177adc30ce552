"""Pages with a form that asks for an email with a link. They are ordinary forms, so they work without JavaScript."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError
from starlette.responses import RedirectResponse

from insula.core.errors import Forbidden
from insula.http.routing.route import PublicRoute
from insula.identity import LONGEST_PASSWORD, SHORTEST_PASSWORD, PasswordTooEasy
from insula.pages.site import FORM_POLICY, html_page
from insula.signin.account_schemas import EmailRequest, RegisterRequest
from insula.signin.errors import TooManyAttempts
from insula.signin.form_fields import read_fields
from insula.signin.login_throttle import ThrottleRates
from insula.signin.mail_requests import MailRequests

_OWN_SITE: Final = frozenset({"same-origin", "none"})
_BESIDE: Final = {
    "name": "Write your name in one line of at most 120 characters.",
    "email": "Write a whole address, such as ada@example.com.",
    "password": f"Use {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.",
}
_Handler = Callable[[Request], Coroutine[Any, Any, Response]]
_Act = Callable[[Mapping[str, str], Request], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Form:
    """The texts of a page, and the fields that it has beside the email address."""

    path: str
    title: str
    purpose: str
    button: str
    sent: str
    onward: tuple[str, ...]
    with_account: bool = False


_REGISTER: Final = _Form(
    "/account/register",
    "Create an account",
    "We send a link to your address. The account is yours once you have opened it.",
    "Create the account",
    "We have sent an email to this address. Open the link in it to confirm that the address is yours.",
    ("/account/forgot", "/account/resend"),
    with_account=True,
)
_FORGOT: Final = _Form(
    "/account/forgot",
    "Forgotten password",
    "We send a link to your address with which you set a new password.",
    "Send the link",
    "We have sent an email to this address. Open the link in it within an hour to set a new password.",
    ("/account/register", "/account/resend"),
)
_RESEND: Final = _Form(
    "/account/resend",
    "New confirmation link",
    "We send another link to the address that you registered with.",
    "Send the link",
    "We have sent an email to this address. Open the link in it within 24 hours to confirm the address.",
    ("/account/register", "/account/forgot"),
)
_FORMS: Final = {form.path: form for form in (_REGISTER, _FORGOT, _RESEND)}

FORM_PAGES: Final = frozenset(f"{method} {path}" for path in _FORMS for method in ("GET", "POST"))
"""The routes, which need no credentials."""


def forms_router(rates: ThrottleRates | None = None) -> APIRouter:
    """Return the pages; ``rates`` limit each caller's attempts, together with the API's."""
    router = APIRouter(route_class=PublicRoute, include_in_schema=False)
    mails = MailRequests(rates or ThrottleRates())

    async def register(fields: Mapping[str, str], request: Request) -> None:
        await mails.register(RegisterRequest.model_validate(fields), request)

    async def forgot(fields: Mapping[str, str], request: Request) -> None:
        await mails.forgot(EmailRequest.model_validate(fields), request)

    async def resend(fields: Mapping[str, str], request: Request) -> None:
        await mails.resend(EmailRequest.model_validate(fields), request)

    for form, act in ((_REGISTER, register), (_FORGOT, forgot), (_RESEND, resend)):
        name = form.path.rpartition("/")[2]
        router.add_api_route(form.path, _show(form), methods=["GET"], name=f"{name}_page")
        router.add_api_route(form.path, _submit(form, act), methods=["POST"], name=f"{name}_form")
    return router


@dataclass(frozen=True, slots=True)
class _Refused:
    """A refused form: its fields, the errors beside them, and an error of the form as a whole."""

    fields: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    failure: str = ""
    status: int = HTTPStatus.UNPROCESSABLE_ENTITY


def _show(form: _Form) -> _Handler:
    async def show(request: Request) -> Response:
        return _page(request, form, sent=form.sent if "sent" in request.query_params else "")

    return show


def _submit(form: _Form, act: _Act) -> _Handler:
    async def submit(request: Request) -> Response:
        fields = await _fields(request)
        try:
            await act(fields, request)
        except ValidationError as error:
            wrong = {str(part) for found in error.errors() for part in found["loc"]}
            return _page(request, form, _Refused(fields, {name: _BESIDE[name] for name in _BESIDE if name in wrong}))
        except PasswordTooEasy as error:
            return _page(request, form, _Refused(fields, {"password": error.detail}))
        except TooManyAttempts as error:
            page = _page(request, form, _Refused(fields, failure=error.detail, status=error.status))
            page.headers.update(error.headers)
            return page
        return RedirectResponse(f"{form.path}?sent", HTTPStatus.SEE_OTHER)  # so that a reload sends nothing again

    return submit


def _page(request: Request, form: _Form, refused: _Refused | None = None, sent: str = "") -> Response:
    shown = refused or _Refused(status=HTTPStatus.OK)
    return html_page(
        request,
        "request.html",
        policy=FORM_POLICY,
        status=shown.status,
        title="Look into your mail" if sent else form.title,
        form=form,
        onward=[_FORMS[path] for path in form.onward],
        values={name: shown.fields.get(name, "") for name in ("email", "name")},
        errors=shown.errors,
        failure=shown.failure,
        sent=sent,
        shortest=SHORTEST_PASSWORD,
        longest=LONGEST_PASSWORD,
    )


async def _fields(request: Request) -> Mapping[str, str]:
    """Return the form's fields. Raises Forbidden if a page of another site has sent it, and as ``read_fields`` does."""
    if request.headers.get("sec-fetch-site", "none") not in _OWN_SITE:
        raise Forbidden("This form was sent by a page of another site")
    return await read_fields(request)
