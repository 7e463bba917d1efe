"""A model and a transform of the study's own."""

from torch.nn import Flatten, Linear, ReLU, Sequential

from bakeoff.plugins import model, transform


@model("tiny")
def tiny(images, width):
    backbone = Sequential(Flatten(), Linear(images.height * images.width, width), ReLU())
    return Sequential(backbone, Linear(width, images.classes))


@transform("lift_shadows")
def lift_shadows(shape, darkest=10):
    return lambda images, generator: images.clamp(min=darkest)
