from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, Index, LargeBinary, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from insula.core.ids import new_id
from insula.db.schema.base import Stamped, TenantOwned
from insula.db.schema.sorting import sort_key_of


class OAuthClient(TenantOwned, table=True):
    """A program that a tenant has registered to get tokens in this tenant. Its id is the ``client_id``.

    A confidential client has a secret, which is stored as a hash; a public client, such as an app on a phone, has
    none. After a rotation the previous secret stays valid until ``previous_until``. ``scopes`` are the actions that its
    tokens can have. Revoked clients stay listed. ``created_by`` stays when the user is deleted.
    """

    __table_args__ = (
        CheckConstraint("kind in ('public', 'confidential')", name="ck_oauth_client_kind"),
        CheckConstraint("(kind = 'confidential') = (secret_hash IS NOT NULL)", name="ck_oauth_client_secret"),
        CheckConstraint("(previous_hash IS NULL) = (previous_until IS NULL)", name="ck_oauth_client_previous"),
        CheckConstraint(
            "kind = 'confidential' OR NOT 'client_credentials' = ANY (grants)", name="ck_oauth_client_machine"
        ),
        Index("uq_oauth_client_id", "id", unique=True),
        Index(None, "tenant_id", "created_at", "id"),
        Index(None, "tenant_id", "name_key", "id"),
    )

    name: str = Field(sa_type=Text)
    name_key: bytes = sort_key_of("name")
    kind: str = Field(sa_type=Text)
    redirect_uris: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    post_logout_redirect_uris: list[str] = Field(
        default_factory=list, sa_column=Column(ARRAY(Text), nullable=False, server_default="{}")
    )
    grants: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    scopes: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    secret_hash: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    previous_hash: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    previous_until: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    created_by: UUID | None = Field(default=None, sa_column=Column(Uuid))
    revoked_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))


class FirstPartyClient(Stamped, table=True):
    """A client of the platform itself, such as its own web app: it belongs to no tenant, and any user may use it.

    Its tokens may have any scope of their user, so it has no ``scopes``; all else is as in ``OAuthClient``.
    """

    __table_args__ = (
        CheckConstraint("kind in ('public', 'confidential')", name="ck_first_party_client_kind"),
        CheckConstraint("(kind = 'confidential') = (secret_hash IS NOT NULL)", name="ck_first_party_client_secret"),
        CheckConstraint("(previous_hash IS NULL) = (previous_until IS NULL)", name="ck_first_party_client_previous"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    name: str = Field(sa_type=Text)
    name_key: bytes = sort_key_of("name")
    kind: str = Field(sa_type=Text)
    redirect_uris: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    post_logout_redirect_uris: list[str] = Field(
        default_factory=list, sa_column=Column(ARRAY(Text), nullable=False, server_default="{}")
    )
    grants: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    secret_hash: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    previous_hash: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    previous_until: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    created_by: UUID | None = Field(default=None, sa_column=Column(Uuid))
    revoked_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
