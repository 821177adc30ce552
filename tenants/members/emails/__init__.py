from typing import Final

from insula.mail import EmailTemplate

OWNERSHIP_TRANSFERRED: Final = EmailTemplate("ownership_transferred", __name__)
