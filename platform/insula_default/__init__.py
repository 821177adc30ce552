"""The default installation: Insula's own apps. A product declares its own (docs/guides/installation.md)."""
