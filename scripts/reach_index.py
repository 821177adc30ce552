"""Print why packages could not be installed: connect to the package index, and print the error, if any.

The Makefile runs it with any available Python, so it imports none of our modules.
"""

from urllib.error import HTTPError, URLError
from urllib.request import urlopen

INDEX = "https://pypi.org/simple/uv/"
_SECONDS = 10.0


def diagnosis() -> str:
    """Return one line that says whether the index answers."""
    try:
        with urlopen(INDEX, timeout=_SECONDS):
            return f"make: {INDEX} answers, so the network works: see the error above, and try again"
    except HTTPError as error:
        reason: object = error
    except URLError as error:
        reason = error.reason
    except OSError as error:
        reason = error
    return (
        f"make: the installation failed, and {INDEX} cannot be reached from here ({reason}):"
        " check the network; behind a proxy set HTTPS_PROXY; to install uv from a mirror set PIP_INDEX_URL"
    )


if __name__ == "__main__":
    print(diagnosis())
