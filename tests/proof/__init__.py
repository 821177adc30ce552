"""``make prove``: attacks everything, then shows that the attacks detect each missing protection."""
