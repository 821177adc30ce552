"""The secrets of a local installation: generated once, stored next to its data, readable only by the owner."""

import base64
import json
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from insula.core.settings import LocalSecret
from insula.dev.embedded.failure import EmbeddedError


@dataclass(frozen=True, slots=True)
class LocalSecrets:
    """Random values that never change for a data directory."""

    superuser_password: str
    redis_password: str
    roles_secret: str
    key_encryption_key: str

    @classmethod
    def generate(cls) -> "LocalSecrets":
        """Generate new ones."""
        return cls(
            superuser_password=secrets.token_urlsafe(32),
            redis_password=secrets.token_urlsafe(32),
            roles_secret=secrets.token_urlsafe(48),
            key_encryption_key=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        )

    @classmethod
    def load_or_create(cls, home: Path) -> "LocalSecrets":
        """Return the secrets of ``home``; generate and store them if it is new."""
        path = home / "secrets.json"
        if path.exists():
            return cls._read(path)
        if (home / "postgres").exists():
            raise EmbeddedError(f"{path} is missing, and without it {home / 'postgres'} cannot be opened: restore it")
        drawn = cls.generate()
        _write_private(path, json.dumps(asdict(drawn)))
        return drawn

    @classmethod
    def _read(cls, path: Path) -> "LocalSecrets":
        stored = _stored(path)
        try:
            return cls(**{field.name: stored[field.name] for field in fields(cls)})
        except KeyError as error:
            raise _unreadable(path, error) from error


def declared_secrets(home: Path, wanted: Iterable[LocalSecret]) -> Mapping[str, str]:
    """Return the secrets of ``home`` by name, with those that settings mark; generate and store missing ones."""
    path = home / "secrets.json"
    stored = _stored(path)
    drawn = {mark.name: mark.prefix + secrets.token_urlsafe(32) for mark in wanted if mark.name not in stored}
    if drawn:
        _write_private(path, json.dumps({**stored, **drawn}))
    return {**stored, **drawn}


def _stored(path: Path) -> Mapping[str, str]:
    try:
        return {name: str(value) for name, value in json.loads(path.read_text()).items()}
    except (OSError, ValueError, AttributeError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> EmbeddedError:
    return EmbeddedError(f"{path} cannot be read ({type(error).__name__}): restore it")


def _write_private(path: Path, text: str) -> None:
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
