"""`make prove`: attacks everything, then shows that the attacks would notice each missing protection."""
