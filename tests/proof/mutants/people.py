"""People: their accounts, the mails that they cause, and what staff and members do to each other."""

from typing import Final

from tests.proof.mutants.edits import Edit
from tests.proof.mutants.targets import fault

_ACCOUNTS: Final = "platform/insula/auth/accounts.py"
_ATTEMPTS: Final = "platform/insula/app/auth/attempts.py"
_MAILS: Final = "platform/insula/limits/mails.py"
_CONTESTED: Final = fault("27_accounts_contested")
_PROBED: Final = fault("27_accounts_probed")

PEOPLE: Final = (
    Edit(
        "accounts: whatever password an address was registered with",
        _ACCOUNTS,
        "if await self._passwords.verify(password_hash, password):",
        "if password_hash:",
        _CONTESTED,
    ),
    Edit(
        "accounts: mailboxes are flooded",
        _ATTEMPTS,
        "return await refusal(self.limits, [to_mailbox(kind, account)]) is None",
        "return True",
        _PROBED,
    ),
    Edit(
        "accounts: one caller asks for ever",
        _ATTEMPTS,
        '        await self._count(f"mail:pair:{name}:{door}", self.rates.mails_by_account_and_address)\n',
        "",
        _PROBED,
    ),
    Edit(
        "accounts: strangers use up the owner's mails of every kind",
        _MAILS,
        'Count(f"mail:{kind}:to:{address}", TO_MAILBOX[kind])',
        'Count(f"mail:to:{address}", TO_MAILBOX[kind])',
        _CONTESTED,
    ),
)
