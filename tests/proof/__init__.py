"""``make prove``: attacks every route and table, then shows that the attacks detect each missing protection."""
