class EmbeddedError(Exception):
    """The embedded servers cannot run; the message is one line for the user that says what to do."""
