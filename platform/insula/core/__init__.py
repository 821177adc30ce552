"""Values and helpers for every package: settings, errors, clock, ids, logs, text, pages and preconditions."""
