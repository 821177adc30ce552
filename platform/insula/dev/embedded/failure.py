class EmbeddedError(Exception):
    """The embedded servers cannot run; the message is one line for a person, with what to do about it."""
