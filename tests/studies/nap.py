"""A transform that changes nothing and takes its time, without the processor: trainings long enough to be killed."""

import os
import time

from bakeoff.plugins import transform

SECONDS = "BAKEOFF_TEST_NAP"  # in the environment, so that no specification has it


@transform("Nap")
def nap(shape):
    def apply(images, generator):
        time.sleep(float(os.environ.get(SECONDS, "0")))
        return images

    return apply
