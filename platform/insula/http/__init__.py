"""What routes are made of: the route class, access, problems, paging, idempotency, middleware."""
