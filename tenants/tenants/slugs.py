"""Slugs: a tenant's label in host names. A slug is a DNS label, an identifier and part of a brand."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field, StringConstraints

SLUG_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*$"

_LOOKS_LIKE_AN_ID = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}")

# fmt: off
RESERVED: Final = frozenset(
    {
        "about", "abuse", "account", "accounts", "admin", "administrator", "api", "app", "assets", "auth",
        "autoconfig", "autodiscover", "billing", "blog", "cdn", "dashboard", "demo", "dev", "docs", "download",
        "email", "example", "files", "ftp", "gateway", "healthz", "help", "hostmaster", "imap", "info",
        "insula", "internal", "localhost", "login", "logout", "mail", "metrics", "mta-sts", "noc", "null",
        "openapi", "postmaster", "private", "public", "readyz", "redoc", "register", "root", "security",
        "signup", "smtp", "sso", "staff", "static", "status", "store", "support", "system", "team", "tenant",
        "tenants", "test", "undefined", "webhook", "webhooks", "webmaster", "wpad", "www"
    }
)
# fmt: on


def _free_to_take(slug: str) -> str:
    if slug in RESERVED:
        raise ValueError("This name is reserved")
    if _LOOKS_LIKE_AN_ID.fullmatch(slug):
        raise ValueError("A slug may not look like an id")  # X-Tenant accepts slugs and ids
    return slug


Slug = Annotated[
    str,
    # No hyphen at an end and no two in a row: browsers would show "xn--…" as any Unicode name.
    StringConstraints(min_length=3, max_length=40, pattern=SLUG_PATTERN),
    AfterValidator(_free_to_take),
    Field(
        description="The tenant's label in host names: lower-case ASCII letters, digits and single hyphens inside.",
        examples=["acme"],
    ),
]
