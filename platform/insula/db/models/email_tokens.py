from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, LargeBinary, Text, Uuid
from sqlmodel import Field

from insula.core import clock
from insula.db.schema.base import Base


class EmailToken(Base, table=True):
    """The hash of the token in an emailed link. It expires, and works once: using it deletes it.

    A token that verifies an address also holds its registration: the password entered with the link
    shows whether that registration was the caller's own.
    """

    __table_args__ = (
        CheckConstraint("purpose in ('verify', 'reset')", name="ck_email_token_purpose"),
        CheckConstraint(
            "(purpose = 'verify') = (name is not null and password_hash is not null)",
            name="ck_email_token_registration",
        ),
    )

    hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    user_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("user.id", ondelete="CASCADE"), nullable=False, index=True))
    purpose: str = Field(sa_type=Text)
    name: str | None = Field(default=None, sa_type=Text)
    password_hash: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = Field(default_factory=clock.now, sa_column=Column(DateTime(timezone=True), nullable=False))
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, index=True))
