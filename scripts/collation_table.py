"""Write the collation table of ``insula.core.text.collation`` from Unicode's ``allkeys.txt``.

    python scripts/collation_table.py allkeys.txt platform/insula/core/text/ducet.bin

The file is part of the Unicode Collation Algorithm (https://www.unicode.org/Public/UCA/); Debian's package
``unicode-data`` has it too. A new table makes every stored key outdated: write a migration that calls ``rekey``.
"""

import re
import struct
import sys
import zlib
from pathlib import Path

_ENTRY = re.compile(r"^([0-9A-F ]+?)\s*;\s*((?:\[[.*][0-9A-F.]+\])+)")
_ELEMENT = re.compile(r"\[[.*]([0-9A-F]{4})\.([0-9A-F]{4})\.([0-9A-F]{4})\]")
_MOST_CHARACTERS = 3  # of one entry: a contraction sorts several characters as one


def main(source: Path, target: Path) -> None:
    """Read ``source`` and write ``target``."""
    entries = {}
    for line in source.read_text(encoding="utf-8").splitlines():
        if (found := _ENTRY.match(line)) is not None:
            characters = tuple(int(code, 16) for code in found[1].split())
            entries[characters] = [tuple(int(weight, 16) for weight in e) for e in _ELEMENT.findall(found[2])]
    keys, places, weights = bytearray(), bytearray(), bytearray()
    for characters in sorted(entries):
        keys += struct.pack("<3I", *characters, *(0,) * (_MOST_CHARACTERS - len(characters)))
        places += struct.pack("<I", len(weights) // 6)
        for element in entries[characters]:
            weights += struct.pack("<3H", *element)
    places += struct.pack("<I", len(weights) // 6)
    target.write_bytes(zlib.compress(struct.pack("<I", len(entries)) + keys + places + weights, 9))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
