from insula.core.errors import AppError, Retry


class FirstPartyClientRevoked(AppError):
    """This client of the platform was revoked."""

    code, status = "first_party_client_revoked", 409
    meaning = "The client was revoked, so it cannot be changed any more, nor get a new secret."
    cure = "Register a new client."
    retry = Retry.NO


class FirstPartyClientWithoutSecret(AppError):
    """A public client has no secret."""

    code, status = "first_party_client_without_secret", 409
    meaning = "The client is public: it runs where nobody can keep a secret, and so it has none."
    cure = "If the program runs on a server, register it as a confidential client."
    retry = Retry.NO
