"""The OpenAPI documents: FastAPI's own, rewritten so that generated clients are small and have exact types."""
