"""Sessions: refresh tokens, their rotation and expiry."""
