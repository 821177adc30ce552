"""The kinds of routes: their guard, unit of work, idempotency and check at start."""
