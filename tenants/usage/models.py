from typing import Literal

Counted = Literal["projects", "items"]
Quota = Literal["projects", "items", "seats", "api_keys", "domains"]
