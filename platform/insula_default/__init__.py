"""The default installation: the apps that Insula comes with. A product brings its own (docs/guides/installation.md)."""
