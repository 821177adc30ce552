"""The route classes: guard, unit of work, idempotency, long-lived connections, and checks at startup."""
