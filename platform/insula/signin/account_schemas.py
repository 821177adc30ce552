"""The schemas of requests and responses about accounts."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from insula.identity import EmailAddress, NewPassword, PersonName

_EMAIL: Final = "ada@acme.example"
_PASSWORD: Final = "nine purple lanterns"  # noqa: S105 - an example

Secret = Annotated[str, Field(min_length=1, max_length=255, repr=False, description="From the link; works once.")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RegisterRequest(_Body):
    """An account to register."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email": _EMAIL, "name": "Ada", "password": _PASSWORD}]})

    email: EmailAddress
    name: PersonName
    password: NewPassword


class EmailRequest(_Body):
    """The email address of an account."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email": _EMAIL}]})

    email: EmailAddress


class VerifyRequest(_Body):
    """The secret of a link that verifies an address, and the password of the account."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"token": "insula_ev_tVNB8sFbZ0r9sQhB1mYjPq5o2xW7uLkD3cE6gAaXnRI", "password": _PASSWORD}]
        }
    )

    token: Secret
    password: NewPassword = Field(
        description="The password that you registered with. Another one replaces it, and the registered name is "
        "dropped."
    )


class ResetRequest(_Body):
    """The secret of a link that sets a new password, and the password."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"token": "insula_pr_tVNB8sFbZ0r9sQhB1mYjPq5o2xW7uLkD3cE6gAaXnRI", "new_password": _PASSWORD}]
        }
    )

    token: Secret
    new_password: NewPassword


class MailAnnounced(BaseModel):
    """The same answer for every address; only the email tells whether there is an account."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "look_into_your_mail"}]})

    status: Literal["look_into_your_mail"] = "look_into_your_mail"
