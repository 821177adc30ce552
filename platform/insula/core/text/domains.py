"""Domain names as the DNS knows them: IDNA 2008, mapped by UTS 46 without its transitional part."""

import idna


def ascii_domain(domain: str) -> str:
    """Return ``domain`` in lower case, with A-labels for what is not ASCII.

    Non-transitional: ``ß``, ``ς`` and the joiners are characters of their own, because a name with
    one belongs to somebody else than the name without. Raises ValueError for what is no domain.
    """
    return idna.encode(domain, uts46=True, std3_rules=True).decode().lower()
