"""Requests for an email with a link, counted for the caller and for the mailbox. API and pages share the counts."""

from dataclasses import dataclass
from functools import partial

from fastapi import Request

from insula.http.kernel import kernel_of
from insula.identity import AdmitEmail, Registration
from insula.limits import MailKind
from insula.limits.mails import REGISTRATION, RESET, VERIFICATION
from insula.signin.account_schemas import EmailRequest, RegisterRequest
from insula.signin.login_throttle import LoginThrottle, ThrottleRates
from insula.signin.origin import address_of, origin_of


@dataclass(frozen=True, slots=True)
class MailRequests:
    """The requests. Each raises TooManyAttempts; ``rates`` limit each caller's attempts."""

    rates: ThrottleRates

    async def register(self, body: RegisterRequest, request: Request) -> None:
        """Register an address. Raises PasswordTooEasy."""
        registration = Registration(body.email, body.name, body.password)
        admit_email = await self._count(request, REGISTRATION, body.email)
        await kernel_of(request).accounts.register(registration, origin_of(request), admit_email)

    async def resend(self, body: EmailRequest, request: Request) -> None:
        """Send another link that verifies an address."""
        admit_email = await self._count(request, VERIFICATION, body.email)
        await kernel_of(request).accounts.resend(body.email, origin_of(request), admit_email)

    async def forgot(self, body: EmailRequest, request: Request) -> None:
        """Send a link that sets a new password."""
        admit_email = await self._count(request, RESET, body.email)
        await kernel_of(request).accounts.forgot(body.email, origin_of(request), admit_email)

    async def _count(self, request: Request, kind: MailKind, email: str) -> AdmitEmail:
        """Count the request for the caller; return a function that counts the email for the mailbox."""
        throttle = LoginThrottle(kernel_of(request).limits, self.rates)
        await throttle.mail(email, address_of(request))
        return partial(throttle.admit_email, kind, email)
