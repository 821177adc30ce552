"""The login throttle: limits how fast passwords can be guessed.

Attempts are counted exactly, and even without Redis. Guesses from one address are limited by the count of account and
address together, which affects nobody else. Guesses from many addresses exhaust the account's count; from then on each
address has a few attempts on that account. So guessing is slow, and the owner, at another address, is not locked out.
"""

import hashlib
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_network

from insula.http.request.addresses import parse_address
from insula.limits import Limits, MailKind, Verdict, refusal, to_mailbox
from insula.signin.errors import TooManyAttempts

_NETWORK_BITS = 64  # the usual network of one IPv6 customer


@dataclass(frozen=True, slots=True)
class ThrottleRates:
    """Attempts a minute."""

    by_address: int = 100
    by_account_and_address: int = 20
    by_account: int = 60
    under_attack: int = 2
    refreshes_by_address: int = 300
    mails_by_address: int = 20
    mails_by_account_and_address: int = 6
    links_by_address: int = 30
    password_changes: int = 6
    clients_by_address: int = 300
    by_client_and_address: int = 60


@dataclass(frozen=True, slots=True)
class LoginThrottle:
    """Counts attempts, in the limits that all processes share."""

    limits: Limits
    rates: ThrottleRates

    async def login(self, account: str, address: str) -> None:
        """Count a login. Raises TooManyAttempts; after a refusal no further count is increased."""
        source, name = address_key(address), account_key(account)
        await self._count(f"login:address:{source}", self.rates.by_address)
        await self._count(f"login:pair:{name}:{source}", self.rates.by_account_and_address)
        calm = await self.limits.admit_exactly(f"login:account:{name}", self.rates.by_account)
        if not calm.allowed:
            await self._count(f"login:attacked:{name}:{source}", self.rates.under_attack)

    async def refresh(self, address: str) -> None:
        """Count a refresh or a logout. Raises TooManyAttempts."""
        await self._count(f"refresh:address:{address_key(address)}", self.rates.refreshes_by_address)

    async def client(self, client_id: str, address: str) -> None:
        """Count an OAuth client's request for a token. Raises TooManyAttempts.

        There is no count of the client alone: 256 random bits are not guessed, and others could use it up.
        """
        source = address_key(address)
        await self._count(f"client:address:{source}", self.rates.clients_by_address)
        await self._count(f"client:pair:{account_key(client_id)}:{source}", self.rates.by_client_and_address)

    async def mail(self, account: str, address: str) -> None:
        """Count a request for an email to an account's address. Raises TooManyAttempts."""
        source, name = address_key(address), account_key(account)
        await self._count(f"mail:address:{source}", self.rates.mails_by_address)
        await self._count(f"mail:pair:{name}:{source}", self.rates.mails_by_account_and_address)

    async def admit_email(self, kind: MailKind, account: str) -> bool:
        """Count an email to an account's address, and return whether to send it. Call this only for queued emails.

        Beyond the limit for this kind, no email is sent, and the caller is not told. If strangers used up the limit,
        the owner already has emails with links that are still valid.
        """
        return await refusal(self.limits, [to_mailbox(kind, account)]) is None

    async def link(self, address: str) -> None:
        """Count the use of a link from an email. Raises TooManyAttempts."""
        await self._count(f"link:address:{address_key(address)}", self.rates.links_by_address)

    async def password(self, account: str) -> None:
        """Count a signed-in user's attempt at their current password. Raises TooManyAttempts."""
        await self._count(f"password:{account_key(account)}", self.rates.password_changes)

    async def _count(self, key: str, per_minute: int) -> None:
        verdict = await self.limits.admit_exactly(key, per_minute)
        if not verdict.allowed:
            raise TooManyAttempts(headers=_retry_after(verdict))


def account_key(account: str) -> str:
    """Return a key of bounded length that does not reveal the email address to readers of Redis."""
    return hashlib.sha256(account.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def address_key(address: str) -> str:
    """Return the IPv4 address, or the network of an IPv6 address."""
    parsed = parse_address(address)
    if not isinstance(parsed, IPv6Address):
        return "unknown" if parsed is None else str(parsed)
    return str(ip_network((int(parsed), _NETWORK_BITS), strict=False).network_address)


def _retry_after(verdict: Verdict) -> dict[str, str]:
    return {"Retry-After": str(max(1, verdict.retry_after))}
