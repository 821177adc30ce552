"""Sessions: refresh tokens, their rotation and their end."""
