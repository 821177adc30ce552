"""The migrations' run, their drafts and their helpers."""
