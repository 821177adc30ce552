"""The HTTP layer: middleware, parsing of requests, route classes with their guards, responses, uvicorn's protocol."""
