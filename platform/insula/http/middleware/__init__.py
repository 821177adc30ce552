"""Pure ASGI middleware, right for HTTP and WebSocket."""
