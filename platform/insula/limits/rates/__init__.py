"""Rate limits on requests, counted with tokens that each process leases from a shared ledger."""
