"""A result of a run."""

FINISHED = ("completed", "diverged", "out_of_memory")  # how a run with a result ended
