from typing import Annotated

from fastapi import Depends, Request

from insula.http.kernel import kernel_of
from tenants.service.letters import Letters


async def letters(request: Request) -> Letters:
    """Return who writes the request's mails."""
    kernel = kernel_of(request)
    return Letters(kernel.settings.public_url, kernel.limits)


LettersDep = Annotated[Letters, Depends(letters)]
