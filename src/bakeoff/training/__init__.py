"""One run: assembly, trainer, optimizers, schedules, losses, evaluation, checkpoints, devices."""
