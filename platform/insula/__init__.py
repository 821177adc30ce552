"""The kernel: the shared code of the apps, and the root app."""
