from typing import Annotated

from fastapi import Depends, Request

from insula.http.kernel import kernel_of
from tenants.service.letters import Letters


async def letters(request: Request) -> Letters:
    """Return who writes the request's mails."""
    return Letters(kernel_of(request).settings.public_url)


LettersDep = Annotated[Letters, Depends(letters)]
