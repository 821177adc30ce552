"""Running migrations, drafting them, and helpers for them."""
