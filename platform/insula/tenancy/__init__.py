"""Resolves the tenant and its caller's access, before any of the tenant's data is read."""

from insula.tenancy.directory import Directory
from insula.tenancy.host_names import CHALLENGE, LONGEST_HOST, is_within, public_host
from insula.tenancy.listener import Listener
from insula.tenancy.new_tenants import NewTenants, OnNewTenant
from insula.tenancy.records import Access, ClientAccess, DerivedField, KeyAccess, TenantRecord, UserProfile
from insula.tenancy.resolver import DnsResolver, Resolver

__all__ = [
    "CHALLENGE",
    "LONGEST_HOST",
    "Access",
    "ClientAccess",
    "DerivedField",
    "Directory",
    "DnsResolver",
    "KeyAccess",
    "Listener",
    "NewTenants",
    "OnNewTenant",
    "Resolver",
    "TenantRecord",
    "UserProfile",
    "is_within",
    "public_host",
]
