"""Header fields that several answers share."""

from typing import Final

from insula.http.problems import Responses

LOCATED: Final[Responses] = {
    201: {
        "headers": {
            "Location": {
                "description": "Path of what was made.",
                "schema": {"type": "string", "format": "uri-reference"},
            }
        }
    }
}
