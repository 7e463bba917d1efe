"""Training one run: loop, optimizers, schedules, metrics, checkpoints, devices."""
