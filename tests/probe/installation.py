"""The installation under test: the product's, whose tenants app serves the probe too.

The tests act on the probe, so that they hold for a product whatever resources it has. ``VARIABLE`` in the environment
names the product as ``INSULA_INSTALLATION`` does elsewhere; without it, that is the one that is installed.
"""

import os
from typing import Final

from insula.apps import load
from tests.probe.joined import probed

VARIABLE: Final = "INSULA_TEST_PRODUCT"
PRODUCT: Final = os.environ.get(VARIABLE, "")
"""How the setting ``installation`` names the product by itself."""

REFERENCE: Final = "tests.probe.installation:INSTALLATION"
"""How the setting names the product with the probe. A process needs the root of the repository on its path."""

INSTALLATION: Final = probed(load(PRODUCT))
