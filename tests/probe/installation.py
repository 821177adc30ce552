"""The installation under test: the product's, with the probe in its tenants app.

The tests use the probe, so they work for a product with any resources. The environment variable ``VARIABLE`` names the
product, as ``INSULA_INSTALLATION`` does elsewhere; without it, the installed product is used.
"""

import os
from typing import Final

from insula.apps import load
from tests.probe.joined import probed

VARIABLE: Final = "INSULA_TEST_PRODUCT"
PRODUCT: Final = os.environ.get(VARIABLE, "")
"""The value of the setting ``installation`` for the product alone."""

REFERENCE: Final = "tests.probe.installation:INSTALLATION"
"""The value for the product with the probe. A process needs the root of the repository on its path."""

INSTALLATION: Final = probed(load(PRODUCT))
