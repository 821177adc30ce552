"""Say why packages could not be installed: ask the index that they come from, and print what the network answers.

Run by the Makefile with whatever Python there is, so it imports nothing of ours.
"""

from urllib.error import HTTPError, URLError
from urllib.request import urlopen

INDEX = "https://pypi.org/simple/uv/"
_SECONDS = 10.0


def reached() -> str:
    """Return one line on whether the index answers."""
    try:
        with urlopen(INDEX, timeout=_SECONDS):
            return f"make: {INDEX} answers, so it was not the network: see the error above, and try again"
    except HTTPError as error:
        reason: object = error
    except URLError as error:
        reason = error.reason
    except OSError as error:
        reason = error
    return (
        f"make: the installation failed, and {INDEX} cannot be reached from here ({reason}):"
        " check the network; behind a proxy set HTTPS_PROXY; for pip's mirror of uv set PIP_INDEX_URL"
    )


if __name__ == "__main__":
    print(reached())
