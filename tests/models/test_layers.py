"""Parts of our own networks, against layers of PyTorch written out."""

import pytest
import torch
from torch import nn

from bakeoff.errors import BakeoffError
from bakeoff.models.convnet import convnet
from bakeoff.models.image_shape import ImageShape
from bakeoff.models.layers import conv_block, two_convolutions


def test_a_block_has_the_kernel_padding_and_stride_that_it_is_given() -> None:
    block = conv_block(3, 5, kernel=5, padding=1, stride=2).eval()
    plain = nn.Conv2d(3, 5, 5, stride=2, padding=1)
    plain.load_state_dict(block[0].state_dict())
    images = torch.rand(2, 3, 9, 8, generator=torch.Generator().manual_seed(0))
    assert block(images).shape == (2, 5, 4, 3)
    assert torch.equal(block[0](images), plain(images))


def test_only_the_first_convolution_of_a_basic_block_has_a_stride() -> None:
    assert two_convolutions(3, 4, stride=2)(torch.rand(2, 3, 8, 8)).shape == (2, 4, 4, 4)
    names = ["0.weight", "1.weight", "1.bias", "3.weight", "4.weight", "4.bias"]
    assert [name for name, _ in two_convolutions(3, 4, bias=False).named_parameters()] == names


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ("relu", r"layers: found the text 'relu'; allowed: a list of layers, such as \[relu\]"),
        ([{"conv": 3, "value": 2}], r"layers\.0 \(conv\): unknown argument 'value'"),
    ],
)
def test_layers_that_are_written_wrong_are_said_in_a_line(layers: object, message: str) -> None:
    with pytest.raises(BakeoffError, match=message):
        convnet(ImageShape(3, 8, 8, 10), layers)  # type: ignore[arg-type]
