"""A run as a process: handing over, leases, what it asks a machine for."""
