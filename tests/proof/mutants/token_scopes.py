"""The ``scope`` claim of access tokens: each check of it removed."""

from typing import Final

from tests.proof.mutants.edits import Edit
from tests.proof.mutants.targets import READ, tests

TOKEN_SCOPES: Final = (
    Edit(
        "token scopes: no route checks them",
        "platform/insula/http/routing/guards.py",
        "if credentials.scopes is not None and self.action not in credentials.scopes:",
        "if False:",
        READ,
    ),
    Edit(
        "token scopes: any client's token without them has the whole role",
        "platform/insula/identity/credentials/claims.py",
        'return None if payload.get("first_party") is True else actions',
        "return None",
        READ,
    ),
    Edit(
        "token scopes: our own token for no action has the whole role",
        "platform/insula/identity/credentials/claims.py",
        "return None if scopes is None else actions",
        "return None",
        tests("identity/test_token_claims.py"),
    ),
    Edit(
        "token scopes: a token for no action is issued for all",
        "platform/insula/identity/credentials/tokens.py",
        "if scopes is not None else {}",
        "if scopes else {}",
        tests("identity/test_tokens.py"),
    ),
    Edit(
        "token scopes: a scope checks only the role",
        "platform/insula/scope/scopes.py",
        "return (self.limited_to is None or action in self.limited_to) and ",
        "return ",
        tests("scope/test_scopes.py"),
    ),
    Edit(
        "token scopes: a limited token grants all that its user may",
        "tenants/people_lock.py",
        "permissions if scope.limited_to is None else permissions & scope.limited_to",
        "permissions",
        tests("http/test_token_scopes.py"),
    ),
)
