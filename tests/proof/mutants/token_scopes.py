"""The ``scope`` claim of access tokens: each limit that it sets is lifted."""

from typing import Final

from tests.proof.mutants.edits import Edit
from tests.proof.mutants.targets import READ, tests

TOKEN_SCOPES: Final = (
    Edit(
        "token scopes: no route asks for them",
        "platform/insula/http/routing/guards.py",
        "if limited_to is not None and self.action not in limited_to:",
        "if False:",
        READ,
    ),
    Edit(
        "token scopes: a token of any client without them has the whole role",
        "platform/insula/identity/credentials/claims.py",
        "return None if client == FIRST_PARTY_CLIENT else frozenset()",
        "return None",
        READ,
    ),
    Edit(
        "token scopes: a token for no action is issued as one for all",
        "platform/insula/identity/credentials/tokens.py",
        "if scopes is not None else {}",
        "if scopes else {}",
        tests("identity/test_tokens.py"),
    ),
    Edit(
        "token scopes: a scope answers for the role alone",
        "platform/insula/scope/scopes.py",
        "return (self.limited_to is None or action in self.limited_to) and ",
        "return ",
        tests("scope/test_scopes.py"),
    ),
    Edit(
        "token scopes: a limited token gives others what its user may",
        "tenants/acting.py",
        "permissions if scope.limited_to is None else permissions & scope.limited_to",
        "permissions",
        tests("http/test_token_scopes.py"),
    ),
)
