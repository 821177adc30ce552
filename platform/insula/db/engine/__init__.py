"""Database connections: addresses, roles, pools, deadlines and the unit of work."""
