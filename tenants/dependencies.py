from typing import Annotated

from fastapi import Depends, Request

from insula.http.kernel import kernel_of
from tenants.emails import Emails


async def emails(request: Request) -> Emails:
    """Return the sender of the request's emails."""
    kernel = kernel_of(request)
    return Emails(kernel.settings.public_url, kernel.limits)


EmailsDep = Annotated[Emails, Depends(emails)]
