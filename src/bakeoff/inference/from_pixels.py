"""A network from raw pixels to probabilities: what is exported, with the normalisation inside."""

import torch
from torch import Tensor, nn

from bakeoff.data.batches import scale_and_shift
from bakeoff.inference.network import TrainedNetwork


class FromPixels(nn.Module):
    """uint8 pixels [B, channels, height, width] → logits and probabilities, both float32 [B, K]; all in float32."""

    scale: Tensor
    shift: Tensor

    def __init__(self, trained: TrainedNetwork) -> None:
        super().__init__()
        self.network = trained.network
        self.one_class = trained.task == "multi-class"
        taken = trained.taken
        scale, shift = scale_and_shift(taken.mean, taken.std, taken.shape[0], torch.device("cpu"))
        for name, value in (("scale", scale), ("shift", shift)):
            self.register_buffer(name, torch.as_tensor(value, dtype=torch.float32).reshape(-1, 1, 1))
        self.eval()

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.network(pixels.to(torch.float32) * self.scale + self.shift)
        return logits, logits.softmax(1) if self.one_class else logits.sigmoid()
