"""Values and helpers that every room uses: settings, errors, clock, ids, logs, text, pages and preconditions."""
