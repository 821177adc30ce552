"""Fetch axe-core into ``build/axe``: `python scripts/axe_core.py`. ``tests/browser/package-lock.json`` pins it.

axe-core (MPL-2.0) checks the pages' accessibility in the browser tests. It is no part of the package.
"""

import base64
import hashlib
import json
import os
import sys
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Final
from urllib.error import URLError
from urllib.request import urlopen

ROOT: Final = Path(__file__).parents[1]
LOCK: Final = ROOT / "tests" / "browser" / "package-lock.json"
TARGET: Final = ROOT / "build" / "axe"
REGISTRY: Final = "https://registry.npmjs.org/"
_SCRIPT: Final = "package/axe.min.js"
_SECONDS: Final = 60.0


def main() -> int:
    """Fetch the pinned version unless it is there."""
    entry = json.loads(LOCK.read_text())["packages"]["node_modules/axe-core"]
    place = TARGET / f"axe-{entry['version']}.min.js"
    if place.exists():
        return 0
    registry = os.environ.get("npm_config_registry", REGISTRY).rstrip("/")  # noqa: SIM112, TID251  npm's own variable
    url = f"{registry}/axe-core/-/axe-core-{entry['version']}.tgz"
    try:
        with urlopen(url, timeout=_SECONDS) as answer:  # noqa: S310 - the lock names an https URL
            package = answer.read()
    except (URLError, TimeoutError) as error:
        print(f"axe-core could not be fetched from {url}: {error}", file=sys.stderr)
        print("If there is a mirror of the npm registry, name it in npm_config_registry.", file=sys.stderr)
        return 1
    found = "sha512-" + base64.b64encode(hashlib.sha512(package).digest()).decode()
    if found != entry["integrity"]:
        print(f"{url} is not the package of {LOCK.relative_to(ROOT)}: its integrity is {found}", file=sys.stderr)
        return 1
    with tarfile.open(fileobj=BytesIO(package)) as archive:
        script = archive.extractfile(_SCRIPT)
        content = script.read() if script is not None else b""
    TARGET.mkdir(parents=True, exist_ok=True)
    partial = place.with_suffix(".partial")
    partial.write_bytes(content)
    partial.rename(place)
    return 0


if __name__ == "__main__":
    sys.exit(main())
