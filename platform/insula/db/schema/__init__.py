"""The tables that are declared, and the rights, triggers and partitions that follow."""
