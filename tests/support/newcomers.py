"""Requests of visitors who create or recover an account."""

import httpx

from insula.core.ids import new_id
from tests.support.app import PASSWORD
from tests.support.visitors import Visitor

OTHER_PASSWORD = "nine purple lanterns"


def new_email() -> str:
    """Return an address without an account."""
    return f"n-{new_id().hex}@example.com"


async def register(visitor: Visitor, email: str, /, **change: object) -> httpx.Response:
    body = {"email": email, "name": "Ada", "password": PASSWORD, **change}
    return await visitor.client.post("/auth/register", json=body)


async def verify(visitor: Visitor, secret: str, password: str = PASSWORD) -> httpx.Response:
    return await visitor.client.post("/auth/verify", json={"token": secret, "password": password})


async def resend(visitor: Visitor, email: str) -> httpx.Response:
    return await visitor.client.post("/auth/verify/resend", json={"email": email})


async def forgot(visitor: Visitor, email: str) -> httpx.Response:
    return await visitor.client.post("/auth/password/reset", json={"email": email})


async def reset(visitor: Visitor, secret: str, password: str = OTHER_PASSWORD) -> httpx.Response:
    body = {"token": secret, "new_password": password}
    return await visitor.client.post("/auth/password/reset/confirm", json=body)
