from typing import Annotated

from fastapi import Depends, Request

from insula.http.kernel import kernel_of
from tenants.emails import Emails


async def emails(request: Request) -> Emails:
    """Return who writes the request's mails."""
    kernel = kernel_of(request)
    return Emails(kernel.settings.public_url, kernel.limits)


EmailsDep = Annotated[Emails, Depends(emails)]
