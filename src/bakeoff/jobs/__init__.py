"""A run as a process: hand-over between attempts, progress, leases of GPUs, what a job asks a cluster for."""
