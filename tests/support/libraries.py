"""The libraries that this project and its tests import: a fork server imports them once for many programs."""

from typing import Final

LIBRARIES: Final = (
    "alembic.command",
    "argon2",
    "asyncpg",
    "casbin",
    "cryptography.x509",
    "dns.asyncresolver",
    "email_validator",
    "fastapi",
    "httpx",
    "jinja2",
    "joserfc.jwt",
    "limits",
    "procrastinate",
    "psycopg",
    "pydantic_settings",
    "pytest",
    "redis.asyncio",
    "rich.console",
    "slowapi",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "sqlalchemy.ext.asyncio",
    "sqlmodel",
    "structlog",
    "typer",
    "uvicorn",
    "uvloop",
)
