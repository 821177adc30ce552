"""The data layer: models, roles, pools, units of work, migrations and the catalogue check."""
