"""Checks of settings before anything starts, shared by all commands."""

from insula.cli.failing import CommandFailed
from insula.core.settings import Settings
from insula.db.engine.address import InvalidAddress, address_of
from insula.identity.credentials.encryption import Encryptor


def unsafe(settings: Settings) -> list[str]:
    """Return the problems of ``settings``, one line each."""
    found = settings.unsafe()
    if settings.database_url:
        found += wrong_addresses(settings)
    if not any("KEY_ENCRYPTION_KEY" in line for line in found):
        try:
            Encryptor.of(settings.auth.key_encryption_key)
        except ValueError as error:
            found.append(str(error))
    return found


def refuse_unsafe(settings: Settings) -> None:
    """Raise CommandFailed with every line of `unsafe`, if there is any."""
    if found := unsafe(settings):
        raise CommandFailed("these settings are not safe:\n" + "\n".join(f"  {line}" for line in found))


def wrong_addresses(settings: Settings) -> list[str]:
    """Return the problems of the database's addresses."""
    found: list[str] = []
    for direct in (False, True):
        try:
            address_of(settings, direct=direct)
        except InvalidAddress as error:
            found.append(str(error))
    return list(dict.fromkeys(found))
