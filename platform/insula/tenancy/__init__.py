"""Which tenant, and what may its caller reach: resolved before any tenant's data is."""

from insula.tenancy.directory import Directory
from insula.tenancy.listener import Listener
from insula.tenancy.records import Access, KeyAccess, Profile, TenantRecord

__all__ = ["Access", "Directory", "KeyAccess", "Listener", "Profile", "TenantRecord"]
