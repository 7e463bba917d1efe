"""Seeds of torch's global generators."""

import torch

from bakeoff.training.randomness import seed_global, stream_seed


def test_the_global_seed_is_torchs_manual_seed() -> None:
    seed_global(3, "dropout", 5)
    drawn = torch.rand(4)
    torch.manual_seed(stream_seed(3, "dropout", 5))
    assert torch.equal(torch.rand(4), drawn)
