"""The local mailbox: emails as files, for a machine that sends none."""

import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Final

from insula.core.ids import new_id

LINK: Final = re.compile(r"(https?://\S*[\w/=&#-])")
"""A link within a text, without a full stop after it."""

_KEPT: Final = 200
_NAME: Final = re.compile(r"[0-9a-f]{32}")


class Mailbox:
    """The newest emails of this installation, in ``mailbox`` of its data directory."""

    def __init__(self, data_dir: Path) -> None:
        self._place = data_dir / "mailbox"

    def store(self, message: bytes) -> str:
        """Store a message, delete the oldest ones beyond the limit, and return the message's name."""
        self._place.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = new_id().hex
        partial = self._place / f"{name}.partial"
        partial.write_bytes(message)
        partial.rename(self._place / f"{name}.eml")
        for old in self._files()[_KEPT:]:
            old.unlink(missing_ok=True)
        return name

    def names(self) -> list[str]:
        """Return the names of the messages, the newest first."""
        return [path.stem for path in self._files()]

    def read(self, name: str) -> EmailMessage | None:
        """Return the message of that name, or None."""
        if not _NAME.fullmatch(name):
            return None
        try:
            found = message_from_bytes((self._place / f"{name}.eml").read_bytes(), policy=default)
        except FileNotFoundError:
            return None
        return found if isinstance(found, EmailMessage) else None

    def _files(self) -> list[Path]:
        return sorted(self._place.glob("*.eml"), reverse=True)
