"""Routes to make and recover an account. They are public, and answer the same for every address."""

from http import HTTPStatus

from fastapi import APIRouter, Request

from insula.core.errors import Unavailable
from insula.http.kernel import kernel_of
from insula.http.responses.problems import problems
from insula.http.routing.route import PublicRoute
from insula.identity import LinkRefused, PasswordTooEasy
from insula.signin.account_schemas import EmailRequest, MailAnnounced, RegisterRequest, ResetRequest, VerifyRequest
from insula.signin.errors import TooManyAttempts
from insula.signin.login_throttle import LoginThrottle, ThrottleRates
from insula.signin.mail_requests import MailRequests
from insula.signin.origin import address_of, origin_of


def accounts_router(rates: ThrottleRates | None = None) -> APIRouter:
    """Return the routes; ``rates`` limit each caller's attempts."""
    router = APIRouter(tags=["accounts"], route_class=PublicRoute)
    handlers = _Handlers(rates or ThrottleRates())
    always = (TooManyAttempts, Unavailable)
    router.add_api_route(
        "/auth/register",
        handlers.register,
        methods=["POST"],
        status_code=HTTPStatus.ACCEPTED,
        summary="Register",
        responses=problems(PasswordTooEasy, *always),
    )
    router.add_api_route(
        "/auth/verify",
        handlers.verify_email,
        methods=["POST"],
        status_code=HTTPStatus.NO_CONTENT,
        summary="Verify an address",
        responses=problems(LinkRefused, PasswordTooEasy, *always),
    )
    router.add_api_route(
        "/auth/verify/resend",
        handlers.resend_verification,
        methods=["POST"],
        status_code=HTTPStatus.ACCEPTED,
        summary="Request another verification link",
        responses=problems(*always),
    )
    router.add_api_route(
        "/auth/password/reset",
        handlers.forgot_password,
        methods=["POST"],
        status_code=HTTPStatus.ACCEPTED,
        summary="Request a link to set a new password",
        responses=problems(*always),
    )
    router.add_api_route(
        "/auth/password/reset/confirm",
        handlers.reset_password,
        methods=["POST"],
        status_code=HTTPStatus.NO_CONTENT,
        summary="Set a new password",
        responses=problems(LinkRefused, PasswordTooEasy, *always),
    )
    return router


class _Handlers:
    """The route handlers, with their rates."""

    def __init__(self, rates: ThrottleRates) -> None:
        self._rates = rates
        self._mails = MailRequests(rates)

    async def register(self, body: RegisterRequest, request: Request) -> MailAnnounced:
        """Register an address. The account cannot sign in until the link in the email was used.

        The answer does not tell whether the address already has an account; the email does.
        """
        await self._mails.register(body, request)
        return MailAnnounced()

    async def resend_verification(self, body: EmailRequest, request: Request) -> MailAnnounced:
        """Email another link; earlier ones stay valid until one is used. The answer is the same for every address."""
        await self._mails.resend(body, request)
        return MailAnnounced()

    async def verify_email(self, body: VerifyRequest, request: Request) -> None:
        """Verify an address with the secret of the emailed link; then its account can sign in.

        The password is the one that the address was registered with, or a new one, which replaces it: somebody
        else may have registered the address, and must not get in with their password.
        """
        await self._count_link(request)
        await kernel_of(request).accounts.verify(body.token, body.password, origin_of(request))

    async def forgot_password(self, body: EmailRequest, request: Request) -> MailAnnounced:
        """Email a link to set a new password; earlier ones stay valid until one is used.

        The answer is the same for every address. A mailbox gets a limited number of emails within half an hour.
        Beyond it none is sent: the newest one has a link that is valid for at least another half an hour.
        """
        await self._mails.forgot(body, request)
        return MailAnnounced()

    async def reset_password(self, body: ResetRequest, request: Request) -> None:
        """Set a new password with the secret of the emailed link. Every session of the account ends."""
        await self._count_link(request)
        await kernel_of(request).accounts.reset(body.token, body.new_password, origin_of(request))

    async def _count_link(self, request: Request) -> None:
        await LoginThrottle(kernel_of(request).limits, self._rates).link(address_of(request))
