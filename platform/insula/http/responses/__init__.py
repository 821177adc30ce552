"""Responses: problems, shared headers, CSV exports, event streams, vocabularies of the OpenAPI documents."""
