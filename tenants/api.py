"""The names that other apps may import. Everything else in this app is private."""

from tenants.tenants.errors import SlugTaken
from tenants.tenants.schemas import Name, TenantCreate
from tenants.tenants.service import create as create_tenant
from tenants.tenants.slugs import Slug

__all__ = [
    "Name",
    "Slug",
    "SlugTaken",
    "TenantCreate",
    "create_tenant",
]
