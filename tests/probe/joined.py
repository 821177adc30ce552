"""Joins the probe to a product."""

from dataclasses import replace
from typing import Final

from insula.apps import Installation
from tests.probe.books import resource as books
from tests.probe.racks import resource as racks

HOST: Final = "tenants"
"""The app that serves the probe."""


def probed(product: Installation) -> Installation:
    """Return the product with the probe."""
    host = product.app(HOST)
    joined = replace(host, resources=(*host.resources, racks.RESOURCE, books.RESOURCE))
    return replace(product, apps=tuple(joined if app is host else app for app in product.apps))
