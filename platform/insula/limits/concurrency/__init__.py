"""Concurrency limits on a tenant's expensive requests and lasting connections."""
