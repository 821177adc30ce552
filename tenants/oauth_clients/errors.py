from insula.core.errors import AppError, Forbidden, Retry


class ScopeNotYours(Forbidden):
    """An OAuth client can only have scopes that your own role has."""

    code = "scope_not_yours"
    meaning = (
        "Nobody can give an OAuth client more permissions than they have. The detail lists those that your role lacks."
    )
    cure = "Leave these scopes out, or let a member with more permissions register the client."
    retry = Retry.NO


class ClientRevoked(AppError):
    """This OAuth client was revoked."""

    code, status = "client_revoked", 409
    meaning = "The client was revoked, so it cannot be changed any more, nor get a new secret."
    cure = "Register a new client."
    retry = Retry.NO


class ClientWithoutSecret(AppError):
    """A public OAuth client has no secret."""

    code, status = "client_without_secret", 409
    meaning = "The client is public: it runs where nobody can keep a secret, and so it has none."
    cure = "If the program runs on a server, register it as a confidential client."
    retry = Retry.NO
