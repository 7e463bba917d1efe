"""The default study as a practitioner's loop: 40 trainings in one process, without anything of Bakeoff's.

`python benchmarks/notebook_loop.py THREADS` prints the mean test accuracy of each configuration.
"""

import sys
from itertools import product

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

EPOCHS, BATCH = 20, 32


def logistic() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))


def perceptron() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def perceptron_bn() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 10))


def cnn() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip


OPTIMIZERS = {
    "sgd": lambda weights: torch.optim.SGD(weights, lr=0.05, momentum=0.9),
    "adam": lambda weights: torch.optim.Adam(weights, lr=2e-3),
}


def splits() -> tuple[TensorDataset, TensorDataset, TensorDataset]:
    """As many images as the study has in each."""
    images, labels = load_digits(return_X_y=True)
    pixels = torch.tensor(images, dtype=torch.float32).reshape(-1, 1, 8, 8) / 16
    classes = torch.tensor(labels)
    rest, test = train_test_split(range(len(classes)), test_size=0.2, stratify=classes, random_state=0)
    train, validation = train_test_split(rest, test_size=0.1, stratify=classes[rest], random_state=0)
    mean, std = pixels[train].mean(), pixels[train].std()
    return tuple(TensorDataset((pixels[part] - mean) / std, classes[part]) for part in (train, validation, test))


def accuracy(model: nn.Module, loader: DataLoader) -> float:
    model.eval()
    with torch.no_grad():
        right = sum((model(images).argmax(1) == labels).sum().item() for images, labels in loader)
    return right / len(loader.dataset)


def train(build, optimizer_of, seed: int, data) -> float:
    """The test accuracy after the epoch that is best on validation."""
    torch.manual_seed(seed)
    train_loader, validation_loader, test_loader = (
        DataLoader(split, batch_size=BATCH if number == 0 else 256, shuffle=number == 0)
        for number, split in enumerate(data)
    )
    model = build()
    optimizer = optimizer_of(model.parameters())
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    best, kept = -1.0, {}
    for _ in range(EPOCHS):
        model.train()
        for images, labels in train_loader:
            optimizer.zero_grad()
            cross_entropy(model(images), labels).backward()
            optimizer.step()
        schedule.step()
        score = accuracy(model, validation_loader)
        if score > best:
            best, kept = score, {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(kept)
    return accuracy(model, test_loader)


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[1]))
    data = splits()
    for build, (name, optimizer_of) in product((logistic, perceptron, perceptron_bn, cnn), OPTIMIZERS.items()):
        scores = [train(build, optimizer_of, seed, data) for seed in range(5)]
        print(build.__name__, name, f"{sum(scores) / len(scores):.4f}")
