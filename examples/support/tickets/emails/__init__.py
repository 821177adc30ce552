from typing import Final

from insula.mail import EmailTemplate

TICKET_ANSWERED: Final = EmailTemplate("ticket_answered", __name__)
