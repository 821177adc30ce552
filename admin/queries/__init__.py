"""Every SELECT of the admin app: over all tenants, by the admin role's declared rights."""
