from typing import Final

from insula.mail import EmailTemplate

INVITATION: Final = EmailTemplate("invitation", __name__)
