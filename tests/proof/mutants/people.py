"""People: accounts, the emails to them, and changes by staff and members to each other; each check removed."""

from typing import Final

from tests.proof.mutants.edits import Edit
from tests.proof.mutants.targets import fault, tests

_ACCOUNTS: Final = "platform/insula/identity/accounts/service.py"
_THROTTLE: Final = "platform/insula/signin/login_throttle.py"
_INVITATION_COUNTS: Final = "tenants/mail_limits.py"
_MAILS: Final = "platform/insula/limits/mails.py"
_CONTESTED: Final = fault("27_accounts_contested")
_NAMES: Final = fault("59_names_in_mails")
_OUTBOX: Final = "platform/insula/mail/outbox.py"
_RELAYED: Final = fault("27_invitations_relayed")
_OWN_TENANTS: Final = fault("29_tenants_of_one_person")
_STAFF: Final = fault("29_staff")
_PROBED: Final = fault("27_accounts_probed")

PEOPLE: Final = (
    Edit(
        "accounts: the registration's password is not checked",
        _ACCOUNTS,
        "if await self._passwords.verify(password_hash, password):",
        "if password_hash:",
        _CONTESTED,
    ),
    Edit(
        "accounts: any number of mails to one mailbox",
        _THROTTLE,
        "return await refusal(self.limits, [to_mailbox(kind, account)]) is None",
        "return True",
        _PROBED,
    ),
    Edit(
        "accounts: any number of mails by one caller",
        _THROTTLE,
        '        await self._count(f"mail:pair:{name}:{source}", self.rates.mails_by_account_and_address)\n',
        "",
        _PROBED,
    ),
    Edit(
        "accounts: forms that pages of other sites send",
        "platform/insula/signin/forms.py",
        'if request.headers.get("sec-fetch-site", "none") not in _OWN_SITE:',
        "if False:",
        tests("site/test_account_forms.py"),
    ),
    Edit(
        "pages: programs with credentials get pages in place of problems",
        "platform/insula/http/responses/media_types.py",
        'if not opens or "authorization" in headers or "x-api-key" in headers:',
        "if not opens:",
        tests("http/test_error_pages.py"),
    ),
    Edit(
        "pages: accents that are hard to read",
        "platform/insula/core/look.py",
        "if found < READABLE:",
        "if found < 1:",
        tests("core/test_look.py"),
    ),
    Edit(
        "pages: a product's address that runs a script",
        "platform/insula/core/look.py",
        "if not _ADDRESS.fullmatch(url):",
        "if not url:",
        tests("core/test_look.py"),
    ),
    Edit(
        "accounts: all kinds of mail share one limit",
        _MAILS,
        'Count(f"mail:{kind.name}:to:{address}", kind.to_mailbox)',
        'Count(f"mail:to:{address}", RESET.to_mailbox)',
        _CONTESTED,
    ),
    Edit("mails: names are not made harmless", _OUTBOX, "{**context, **shown}", "{**context, **(names or {})}", _NAMES),
    Edit(
        "mails: ideographic full stops form links",
        "platform/insula/mail/names.py",
        'unicodedata.normalize("NFKC", letter)',
        "letter",
        _NAMES,
    ),
    Edit(
        "invitations: any number to one mailbox",
        _INVITATION_COUNTS,
        "    yield to_mailbox(INVITATION, address)\n",
        "",
        _RELAYED,
    ),
    Edit(
        "invitations: any number by one person to one mailbox",
        _INVITATION_COUNTS,
        '    yield Count(f"mail:by:{person_id}:to:{address}", FROM_ONE_TO_MAILBOX)\n',
        "",
        _RELAYED,
    ),
    Edit(
        "invitations: any number by one tenant to one mailbox",
        _INVITATION_COUNTS,
        '    yield Count(f"mail:of:{tenant_id}:to:{address}", FROM_ONE_TO_MAILBOX)\n',
        "",
        _RELAYED,
    ),
    Edit(
        "invitations: any number by one person",
        _INVITATION_COUNTS,
        "    yield from by_person(person_id)\n",
        "",
        _RELAYED,
    ),
    Edit(
        "invitations: any number by one tenant",
        _INVITATION_COUNTS,
        '    yield Count(f"mail:of:{tenant_id}:{DAY}", Rate(max(0, per_day), DAY))\n',
        "",
        _RELAYED,
    ),
    Edit(
        "staff: outdated roles count",
        "admin/staff_lock.py",
        "if role is None or not scope.policy.allows(role, action):",
        "if role is None:",
        _STAFF,
    ),
    Edit(
        "staff: former ones too",
        "admin/staff_lock.py",
        "if role is None or not scope.policy.allows(role, action):",
        "role = role or StaffRole.SUPERUSER\n    if not scope.policy.allows(role, action):",
        _STAFF,
    ),
    Edit(
        "staff: no lock",
        "admin/staff_lock.py",
        "    await staff.lock(session)\n",
        "",
        _STAFF,
    ),
    Edit(
        "staff: suspended ones may act",
        "admin/staff/queries.py",
        ".where(col(Staff.user_id) == user_id, User.status == ACTIVE)",
        ".where(col(Staff.user_id) == user_id)",
        _STAFF,
    ),
    Edit(
        "keys: any rate limit with the right to rename",
        "tenants/api_keys/service.py",
        "        await locked_caller(scope, Action.LIMIT)\n",
        "",
        tests("tenants/api_keys/test_rate.py"),
    ),
    Edit(
        "keys: shown to callers without the right to read keys",
        "tenants/members/service.py",
        "if ApiKeyAction.READ not in caller.permissions:",
        "if False:",
        tests("tenants/api_keys/test_of_members.py"),
    ),
    Edit(
        "keys: everyone's are revoked with one person's",
        "tenants/api_keys/queries.py",
        "select(ApiKey).where(ApiKey.created_by == user_id, live())",
        "select(ApiKey).where(live())",
        tests("tenants/api_keys/test_of_members.py"),
    ),
    Edit(
        "tenants: any number for one person",
        "tenants/tenants/service.py",
        "if roles.count(Role.OWNER) >= most:",
        "if False:",
        _OWN_TENANTS,
    ),
    Edit(
        "tenants: concurrent creations are not serialized",
        "tenants/tenants/service.py",
        '    await lock(scope.unit.session, f"tenants:{person}")\n',
        "",
        _OWN_TENANTS,
    ),
    Edit("tenants: any number a day", "tenants/tenants/service.py", "if not day.allowed:", "if False:", _OWN_TENANTS),
    Edit(
        "owners: any number of transfer mails",
        "tenants/emails.py",
        "        await self._count(counts, TooManyTransfers)\n",
        "",
        _RELAYED,
    ),
)
