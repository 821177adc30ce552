"""Every SELECT, by noun. Row-level security keeps each to the unit's tenant; no query names it."""
