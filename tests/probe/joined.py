"""Joins the probe to a product."""

from dataclasses import replace
from typing import Final

from insula.apps import Installation
from tests.probe.books import resource as books
from tests.probe.plans import GRANTED
from tests.probe.racks import resource as racks

HOST: Final = "tenants"
"""The app that serves the probe."""


def probed(product: Installation) -> Installation:
    """Return the product with the probe. A product without plans grants the probe's quotas to every new tenant."""
    host = product.app(HOST)
    joined = replace(host, resources=(*host.resources, racks.RESOURCE, books.RESOURCE))
    apps = tuple(joined if app is host else app for app in product.apps)
    granted = {**product.granted, **GRANTED["free"]} if product.database.plans is None else product.granted
    return replace(product, apps=apps, granted=granted)
