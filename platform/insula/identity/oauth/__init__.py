"""The clients of the authorization server: their secrets, their redirect URIs and their grants."""
