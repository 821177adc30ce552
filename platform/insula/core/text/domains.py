"""Domain names as the DNS knows them: IDNA 2008 with UTS 46 non-transitional mapping."""

import idna


def ascii_domain(domain: str) -> str:
    """Return ``domain`` in lower case, with A-labels (punycode) for labels that are not ASCII.

    Non-transitional: ``ß``, ``ς`` and the joiners are kept as characters of their own, because a name
    with one may have another owner than the name without. Raises ValueError if ``domain`` is no domain.
    """
    return idna.encode(domain, uts46=True, std3_rules=True).decode().lower()
