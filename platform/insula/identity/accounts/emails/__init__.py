"""The emails about accounts, which every installation sends, and their template files."""

from typing import Final

from insula.mail import EmailTemplate

VERIFY_EMAIL: Final = EmailTemplate("verify_email", __name__)
PASSWORD_RESET: Final = EmailTemplate("password_reset", __name__)
ACCOUNT_EXISTS: Final = EmailTemplate("account_exists", __name__)
NO_ACCOUNT: Final = EmailTemplate("no_account", __name__)
WELCOME: Final = EmailTemplate("welcome", __name__)
PASSWORD_CHANGED: Final = EmailTemplate("password_changed", __name__)
EMAILS: Final = (VERIFY_EMAIL, PASSWORD_RESET, ACCOUNT_EXISTS, NO_ACCOUNT, WELCOME, PASSWORD_CHANGED)
