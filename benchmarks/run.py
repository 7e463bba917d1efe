"""Measure what README.md of this folder promises, each row beside its peer in one run, and write the table.

python benchmarks/run.py [epoch] [augmentation] [features] [photos] [memory] [planning] [summary] [startup] [overhead]
"""

import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
REPEATS = 3
THREADS = 2


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    ours: str
    peer: str
    ratio: str
    goal: str


def main() -> None:
    measurements: dict[str, Callable[[], list[Row]]] = {
        "epoch": epoch_of_fashion_mnist,
        "augmentation": augmentation,
        "features": features_of_a_frozen_backbone,
        "photos": epoch_of_photos,
        "memory": larger_than_memory,
        "planning": planning,
        "summary": summary,
        "startup": startup,
        "overhead": overhead,
    }
    wanted = sys.argv[1:] or list(measurements)
    rows_file = ROOT / "benchmarks/rows.json"
    known = json.loads(rows_file.read_text()) if rows_file.exists() else {}
    for name in wanted:
        print(f"measuring {name}", flush=True)
        known[name] = [vars(row) for row in measurements[name]()]
        for row in known[name]:
            print("  ", *row.values(), sep="  ", flush=True)
    rows_file.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n")
    write_table(known)


def write_table(known: dict[str, list[dict[str, str]]]) -> None:
    lines = ["| what | Bakeoff | beside it | ratio | goal |", "|---|---|---|---|---|"]
    lines += ["| " + " | ".join(row.values()) + " |" for rows in known.values() for row in rows]
    readme = ROOT / "benchmarks/README.md"
    head, _, tail = readme.read_text().partition("<!-- table -->\n")
    rest = tail.partition("<!-- end -->")[2]
    machine = f"{platform.machine()}, {THREADS} threads, Python {platform.python_version()}"
    readme.write_text(f"{head}<!-- table -->\n" + "\n".join(lines) + f"\n\nMeasured on {machine}.\n<!-- end -->{rest}")


def epoch_of_fashion_mnist() -> list[Row]:
    """An epoch of 60,000 images, batch 128, SGD: ours, the tutorial's loop, and the steps alone on one fixed batch."""
    import numpy as np
    import torch
    from torch.nn.functional import cross_entropy
    from torch.utils.data import DataLoader
    from torchvision.datasets import VisionDataset
    from torchvision.transforms import Compose, Normalize, ToTensor

    from bakeoff.data.batches import Batches
    from bakeoff.data.sources.idx import read_idx
    from bakeoff.models.image_shape import ImageShape
    from bakeoff.models.registry import build_model
    from bakeoff.study.entries import Architecture, Optimizer, Recipe
    from bakeoff.study.metrics import METRICS
    from bakeoff.training.devices import memory_format
    from bakeoff.training.loop import Plan, Progress, Splits, train
    from bakeoff.training.losses import build_losses
    from bakeoff.training.scoring import Scoring

    torch.set_num_threads(THREADS)
    if FASHION_MNIST.exists():
        pixels, labels = (
            read_idx(FASHION_MNIST / f"train-{part}.gz") for part in ("images-idx3-ubyte", "labels-idx1-ubyte")
        )
        pixels, labels = np.array(pixels).reshape(-1, 1, 28, 28), np.array(labels).astype(np.int64)
    else:  # the time does not depend on what the images show
        pixels = np.random.default_rng(0).integers(0, 256, (60_000, 1, 28, 28), dtype=np.uint8)
        labels = np.random.default_rng(1).integers(0, 10, 60_000)
    device, mean, std = torch.device("cpu"), [0.2860], [0.3530]

    class Tutorial(VisionDataset):
        """As torchvision's FashionMNIST gives images: a PIL image made from the array, then the transforms."""

        def __init__(self) -> None:
            super().__init__("", transform=Compose([ToTensor(), Normalize(mean, std)]))

        def __len__(self) -> int:
            return len(labels)

        def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
            from PIL import Image

            return self.transform(Image.fromarray(pixels[index, 0])), int(labels[index])

    def fresh(entry: Architecture) -> tuple[torch.nn.Module, torch.optim.Optimizer]:
        torch.manual_seed(0)
        network = build_model(entry, ImageShape(1, 28, 28, 10))
        return network, torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)

    def step(
        network: torch.nn.Module, optimizer: torch.optim.Optimizer, batch: torch.Tensor, target: torch.Tensor
    ) -> None:
        optimizer.zero_grad()
        cross_entropy(network(batch), target).backward()
        optimizer.step()

    def tutorial(entry: Architecture) -> float:
        network, optimizer = fresh(entry)
        loader = DataLoader(Tutorial(), batch_size=128, shuffle=True, num_workers=2)
        started = time.perf_counter()
        for batch, target in loader:
            step(network, optimizer, batch, target)
        return time.perf_counter() - started

    def fixed_batch(entry: Architecture) -> float:
        network, optimizer = fresh(entry)
        layout = memory_format(None, network, device, "float32")  # the same layout as ours
        network = network.to(memory_format=layout)
        batch = ((torch.tensor(pixels[:128]).float() / 255 - mean[0]) / std[0]).contiguous(memory_format=layout)
        target = torch.tensor(labels[:128])
        started = time.perf_counter()
        for _ in range(469):
            step(network, optimizer, batch, target)
        return time.perf_counter() - started

    def ours(entry: Architecture) -> float:
        network, _ = fresh(entry)
        recipe = Recipe(epochs=2, batch_size=128)
        layout = memory_format(None, network, device, "float32")
        network = network.to(memory_format=layout)
        last = layout == torch.channels_last
        whole = Batches(pixels, labels, 128, device, mean, std, None, channels_last=last)
        few = Batches(pixels[:128], labels[:128], 128, device, mean, std, None, channels_last=last)
        plan = Plan(
            recipe, Optimizer.model_validate({"name": "SGD", "lr": 0.05, "momentum": 0.9}), METRICS["accuracy"],
            build_losses(recipe, "multi-class", torch.tensor(labels)), Scoring(), None, 0, Path("unused"), float("inf"),
        )  # fmt: skip
        progress = Progress()
        train(network, Splits(whole, few, few), plan, device, progress)
        return min(row["seconds"] for row in progress.history)

    convolutions = [{"conv": 10, "kernel": 5}, {"pool": 2}, "relu", {"conv": 20, "kernel": 5}, {"pool": 2}, "relu"]
    entries = {
        "perceptron, 51,610 parameters": ({"model": "mlp", "hidden": [60, 60], "batch_norm": True}, 10.0),
        "two-convolution CNN": (
            {"model": "convnet", "layers": convolutions, "hidden": [60], "hidden_batch_norm": True}, 2.5
        ),
    }  # fmt: skip
    rows = []
    for name, (arguments, goal) in entries.items():
        entry = Architecture.model_validate(arguments)
        ours(entry)  # warm-up
        times = [(ours(entry), fixed_batch(entry), tutorial(entry)) for _ in range(REPEATS)]
        mine, fixed, loop = (statistics.median(column) for column in zip(*times, strict=True))
        faster = statistics.median(c / a for a, _, c in times)
        over = statistics.median(a / b for a, b, _ in times)
        what = f"epoch of Fashion-MNIST, {name}"
        rows.append(
            Row(what, f"{mine:.2f} s", f"DataLoader loop {loop:.2f} s", f"{faster:.1f}× faster", f"≥ {goal:g}×")
        )
        rows.append(Row(what, f"{mine:.2f} s", f"fixed batch {fixed:.2f} s", f"{over:.2f}×", "≤ 1.25×"))
    return rows


def augmentation() -> list[Row]:
    """Augmented batches of 50,000 images of CIFAR's size, and torchvision's transforms image by image."""
    import numpy as np
    import torch
    from torch.utils.data import DataLoader, Dataset
    from torchvision.transforms import v2

    from bakeoff.data.augmentation import build_augmentation
    from bakeoff.data.batches import Batches

    torch.set_num_threads(THREADS)
    pixels = np.random.default_rng(0).integers(0, 256, (50_000, 3, 32, 32), dtype=np.uint8)
    labels = np.zeros(len(pixels), np.int64)
    chains = {
        "crop and flip": (
            len(pixels),
            [("RandomCrop", {"size": 32, "padding": 4}), ("RandomHorizontalFlip", {})],
            [v2.RandomCrop(32, padding=4), v2.RandomHorizontalFlip()],
            "≥ 4×",
        ),
        "colour jitter, rotation and blur": (
            5_000,
            [
                ("ColorJitter", {"brightness": 0.2, "contrast": 0.2, "saturation": 0.2, "hue": 0.1}),
                ("RandomRotation", {"degrees": 10}),
                ("GaussianBlur", {"kernel_size": 5}),
            ],
            [v2.ColorJitter(0.2, 0.2, 0.2, 0.1), v2.RandomRotation(10), v2.GaussianBlur(5)],
            "",
        ),
    }

    class ImageShape(Dataset):
        """uint8 tensors through a chain of torchvision's transforms."""

        def __init__(self, count: int, chain: list[torch.nn.Module]) -> None:
            self.count, self.chain = count, v2.Compose([*chain, v2.ToDtype(torch.float32, scale=True)])

        def __len__(self) -> int:
            return self.count

        def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
            return self.chain(torch.from_numpy(pixels[index])), 0

    rows = []
    for name, (count, ours, theirs, goal) in chains.items():
        batches = Batches(pixels[:count], labels[:count], 128, augmentation=build_augmentation(ours, (3, 32, 32)))
        loader = DataLoader(ImageShape(count, theirs), batch_size=128, shuffle=True, num_workers=2)

        def batched(batches: Batches = batches) -> float:
            started = time.perf_counter()
            for _ in batches.epoch(torch.Generator(), torch.Generator()):
                pass
            return time.perf_counter() - started

        def image_by_image(loader: DataLoader = loader) -> float:
            started = time.perf_counter()
            for _ in loader:
                pass
            return time.perf_counter() - started

        batched()
        times = [(batched(), image_by_image()) for _ in range(REPEATS)]
        mine, peer = (statistics.median(column) for column in zip(*times, strict=True))
        ratio = statistics.median(b / a for a, b in times)
        what = f"{name}, {count:,} images of 32×32"
        rows.append(Row(what, f"{mine:.2f} s", f"DataLoader, 2 workers {peer:.2f} s", f"{ratio:.0f}× faster", goal))
    return rows


def features_of_a_frozen_backbone() -> list[Row]:
    """Training a head of EfficientNet-B0 at 224x224: on kept features, and through the frozen backbone.

    Through the backbone a few batches are timed: an epoch is only more of them.
    """
    import numpy as np
    import torch

    from bakeoff.data.batches import Batches
    from bakeoff.data.feature_batches import FeatureBatches
    from bakeoff.models.freezing import freeze, train_mode
    from bakeoff.models.image_shape import ImageShape
    from bakeoff.models.registry import build_model
    from bakeoff.study.entries import Architecture

    torch.set_num_threads(THREADS)
    count, batch = 4_096, 64
    entry = Architecture.model_validate({"model": "timm/efficientnet_b0", "head": {"hidden": 512, "dropout": 0.2}})
    network = build_model(entry, ImageShape(3, 224, 224, 17)).to(memory_format=torch.channels_last)
    freeze(network, "backbone")
    pixels = np.random.default_rng(0).integers(0, 256, (4 * batch, 3, 224, 224), dtype=np.uint8)
    labels = np.zeros(count, np.int64)
    head = network.get_submodule("classifier")
    kept = FeatureBatches(
        np.random.default_rng(0).normal(size=(count, 1280)).astype(np.float32), labels, batch, torch.device("cpu")
    )
    images = Batches(pixels, labels[: len(pixels)], batch, channels_last=True)

    def epoch(module: torch.nn.Module, batches: Batches | FeatureBatches) -> float:
        """Seconds per image."""
        optimizer = torch.optim.Adam([p for p in module.parameters() if p.requires_grad])
        started, seen = time.perf_counter(), 0
        for inputs, targets, _ in batches.epoch(torch.Generator(), torch.Generator()):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(module(inputs), targets).backward()
            optimizer.step()
            seen += len(targets)
        return (time.perf_counter() - started) / seen

    train_mode(network, "backbone")
    times = [(epoch(head, kept), epoch(network, images)) for _ in range(REPEATS + 1)][1:]
    mine, peer = (statistics.median(column) for column in zip(*times, strict=True))
    ratio = statistics.median(b / a for a, b in times)
    what = "training a head of EfficientNet-B0, 224×224"
    beside = f"through the frozen backbone {1 / peer:,.0f} images/s"
    return [Row(what, f"{1 / mine:,.0f} images/s", beside, f"{ratio:,.0f}× faster", "≥ 50×")]


def epoch_of_photos() -> list[Row]:
    """The data path alone: 300x300 batches from prepared arrays, and from JPEG files decoded at every epoch."""
    import numpy as np
    import torch
    from PIL import Image
    from torch.utils.data import DataLoader
    from torchvision.datasets import ImageFolder
    from torchvision.transforms import Compose, Normalize, Resize, ToTensor

    from bakeoff.data.batches import Batches
    from bakeoff.data.prepare import load_prepared, prepare
    from bakeoff.study.reading import parse_study

    torch.set_num_threads(1)  # what a study gives a job unless it says otherwise
    random, size, mean, std = np.random.default_rng(0), (300, 300), [0.5] * 3, [0.25] * 3

    def photo(width: int, height: int) -> Image.Image:
        """Soft shapes under grain, which compress about as photographs do."""
        shapes = random.integers(0, 256, (height // 24, width // 24, 3), dtype=np.uint8)
        soft = np.asarray(Image.fromarray(shapes).resize((width, height), Image.Resampling.BICUBIC))
        return Image.fromarray(np.clip(soft + random.normal(0, 8, soft.shape), 0, 255).astype(np.uint8))

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for split, count in (("train", 256), ("test", 4)):
            for label in "ab":
                (folder / "jpeg" / split / label).mkdir(parents=True)
                for index in range(count):
                    photo(500, 375).save(folder / "jpeg" / split / label / f"{index}.jpg", quality=90)
        entry = {"source": "folder", "root": str(folder / "jpeg"), "resize": 300, "validation": 0.01}
        study = parse_study(large_study() | {"datasets": {"photos": entry}})
        prepare(study, "photos", folder / "prepared", THREADS)
        images, labels = load_prepared(folder / "prepared").splits["train"]
        arrays = Batches(images, labels, 16, "cpu", mean, std)
        files = ImageFolder(folder / "jpeg/train", Compose([Resize(size), ToTensor(), Normalize(mean, std)]))
        loader = DataLoader(files, batch_size=16, shuffle=True, num_workers=2, persistent_workers=True)

        def ours() -> float:
            started = time.perf_counter()
            seen = sum(len(batch) for batch, *_ in arrays.epoch(torch.Generator(), torch.Generator()))
            return (time.perf_counter() - started) / seen

        def peer() -> float:
            started = time.perf_counter()
            seen = sum(len(batch) for batch, _ in loader)
            return (time.perf_counter() - started) / seen

        ours(), peer()  # the workers start here
        times = [(ours(), peer()) for _ in range(REPEATS)]
    mine, decoded = (1 / statistics.median(column) for column in zip(*times, strict=True))
    ratio = statistics.median(b / a for a, b in times)
    what = "data path of 300×300 photographs, batches of 16"
    beside = f"JPEG decoded by 2 workers {decoded:,.0f} images/s"
    return [Row(what, f"{mine:,.0f} images/s on 1 thread", beside, f"{ratio:.1f}× faster", "≥ 3×")]


def larger_than_memory() -> list[Row]:
    """Batches from a mapped array of 1.5 GiB of which at most an eighth may stay in memory, and all of it may.

    A limit on memory takes rights that not everyone has: instead, each time an eighth has been read, all pages of
    the file are given back. The disk decides the result.
    """
    import mmap
    import os

    import numpy as np
    import torch

    from bakeoff.data.batches import Batches

    torch.set_num_threads(1)  # what a study gives a job unless it says otherwise
    shape = ((3 << 29) // (3 * 300 * 300), 3, 300, 300)
    with tempfile.TemporaryDirectory(dir=ROOT) as name:  # /tmp may itself be memory
        path = Path(name) / "images.npy"
        written = np.lib.format.open_memmap(path, "w+", np.uint8, shape)
        for start in range(0, len(written), 256):
            part = written[start : start + 256]
            part[:] = np.random.default_rng(start).integers(0, 256, part.shape, dtype=np.uint8)
        written.flush()
        del written
        images = np.load(path, mmap_mode="c")
        batches = Batches(images, np.zeros(len(images), np.int64), 16, "cpu", [0.5] * 3, [0.25] * 3)

        def forget() -> None:
            images._mmap.madvise(mmap.MADV_DONTNEED)
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

        def epoch(limited: bool) -> float:
            started, seen, since = time.perf_counter(), 0, 0
            for batch, *_ in batches.epoch(torch.Generator(), torch.Generator()):
                seen, since = seen + len(batch), since + len(batch)
                if limited and since >= len(images) // 8:
                    forget()
                    since = 0
            return (time.perf_counter() - started) / seen

        times = []
        for _ in range(REPEATS):
            for chunk in np.array_split(images, 64):  # all in memory
                chunk.max()
            whole = epoch(limited=False)
            forget()
            times.append((epoch(limited=True), whole))
    mapped, held = (1 / statistics.median(column) for column in zip(*times, strict=True))
    ratio = statistics.median(a / b for a, b in times)
    what = "data path of a mapped array, memory for an eighth of it"
    return [
        Row(
            what,
            f"{mapped:,.0f} images/s on 1 thread",
            f"all in memory {held:,.0f} images/s",
            f"{ratio:.1f}× slower",
            "",
        )
    ]


BARE_SNAKEFILE = """
rule all:
    input: "report.md"
rule prepare:
    output: "card.json"
    shell: "true"
rule train:
    input: "card.json"
    output:
        "runs/{run}/result.json", "runs/{run}/history.csv",
        "runs/{run}/predictions.npz", "runs/{run}/model.safetensors",
    log: "logs/{run}.log"
    shell: "true"
rule report:
    input: [f"runs/{index}/result.json" for index in range(10_000)]
    output: "report.md"
    shell: "true"
"""


def large_study() -> dict[str, object]:
    """10 architectures × 10 optimizers × 10 recipes × 10 seeds."""
    return {
        "study": "large",
        "datasets": {"digits": {"source": "digits"}},
        "architectures": {f"a{index}": {"model": "mlp", "hidden": [index + 1]} for index in range(10)},
        "optimizers": {f"o{index}": {"name": "SGD", "lr": 0.1 / (index + 1)} for index in range(10)},
        "recipes": {f"r{index}": {"epochs": 50 + index} for index in range(10)},
        "seeds": 10,
    }


def planning() -> list[Row]:
    """`snakemake -n` on 10,000 runs beside a bare Snakefile of as many jobs with as many outputs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bare").mkdir()
        (folder / "bare/Snakefile").write_text(BARE_SNAKEFILE)
        (folder / "large.yaml").write_text(json.dumps(large_study()))
        snakemake = str(BIN / "snakemake")
        ours = [snakemake, "-n", "-q", "--snakefile", str(ROOT / "Snakefile"), "--directory", name, "--cores", "2"]
        ours += ["--configfile", str(folder / "large.yaml")]
        bare = [snakemake, "-n", "-q", "--cores", "2"]
        times = [(_seconds(ours, folder), _seconds(bare, folder / "bare")) for _ in range(REPEATS)]
    mine, peer = (statistics.median(column) for column in zip(*times, strict=True))
    ratio = statistics.median(a / b for a, b in times)
    what = "planning a study of 10,000 runs"
    return [Row(what, f"{mine:.1f} s", f"bare Snakefile {peer:.1f} s", f"{ratio:.2f}×", "≤ 1.5×")]


def summary() -> list[Row]:
    """Summarising 10,000 finished runs of 50 epochs."""
    from bakeoff.study.paths import Layout
    from bakeoff.study.reading import parse_study
    from bakeoff.study.specification import specify
    from bakeoff.study.study import runs

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "large.yaml").write_text(json.dumps(large_study()))
        study = parse_study(large_study())
        names = ("loss", "accuracy", "top5_accuracy", "macro_f1")
        columns = [
            "epoch",
            "learning_rate",
            *(f"{split}_{name}" for split in ("train", "validation") for name in names),
        ]
        header = ",".join([*columns, "seconds"])
        history = "\n".join([header, *(f"{epoch},0.1" + ",0.9123456789" * 8 + ",0.5" for epoch in range(1, 51))]) + "\n"
        scores = dict.fromkeys(names, 0.9)
        layout = Layout("large", results=folder / "results")
        for run in runs(study):
            paths = layout.run(run)
            paths.folder.mkdir(parents=True)
            splits = dict.fromkeys(("train", "validation", "test", "test_last"), scores)
            result = {
                "run": vars(run),
                "spec": specify(study, run).content,
                "status": "completed",
                "message": "",
                "metrics": {"best_epoch": 7, "epochs": 50} | splits,
                "cost": dict.fromkeys(
                    (
                        "parameters",
                        "macs",
                        "training_seconds",
                        "seconds_per_epoch",
                        "images_per_second",
                        "cpu_seconds",
                        "gpu_seconds",
                        "energy_kwh",
                        "peak_host_memory_bytes",
                        "peak_device_memory_bytes",
                    ),
                    1,
                ),
                "provenance": {"device": "cpu", "threads": 1},
            }
            paths.result.write_text(json.dumps(result, indent=2))
            paths.history.write_text(history)
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        seconds = _seconds([str(BIN / "bakeoff"), "summarize", "large.yaml"], folder)
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        shutil.rmtree(folder / "results")
    note = "" if memory > before else " at most"
    return [
        Row(
            "summarising 10,000 runs of 50 epochs",
            f"{seconds:.0f} s,{note} {memory / 2**20:.1f} GiB",
            "",
            "",
            "< 60 s, 2 GiB",
        )
    ]


def startup() -> list[Row]:
    """From the command to the first step of training, beside `import torch` alone."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        study = {
            "study": "start",
            "datasets": {"digits": {"source": "digits"}},
            "architectures": {"mlp": {"model": "mlp", "hidden": [16]}},
            "optimizers": {"sgd": {"name": "SGD", "lr": 0.1}},
            "recipes": {"one": {"epochs": 1}},
            "seeds": 2 * REPEATS,
        }
        (folder / "start.yaml").write_text(json.dumps(study))
        bakeoff = str(BIN / "bakeoff")
        _seconds([bakeoff, "prepare", "start.yaml", "digits"], folder)
        _seconds([bakeoff, "check", "start.yaml"], folder)
        times = []
        for seed in range(2 * REPEATS):  # the whole job: an upper bound of the time to its first step
            run = f"digits/mlp/sgd/one/seed{seed}"
            times.append(
                (
                    _seconds([bakeoff, "train", "start.yaml", run], folder),
                    _seconds([sys.executable, "-c", "import torch"], folder),
                )
            )
    mine, peer = (statistics.median(column) for column in zip(*times, strict=True))
    ratio = statistics.median(a / b for a, b in times)
    what = "start-up of a training job (whole job with one epoch of digits)"
    return [Row(what, f"{mine:.2f} s", f"`import torch` {peer:.2f} s", f"{ratio:.2f}×", "≤ 1.5×")]


def overhead() -> list[Row]:
    """What jobs and a study take beside training: a job of each of our own models, and a hundred runs of a second."""
    load = os.getloadavg()[0]
    busy = f" (the machine was busy before: load {load:.1f})" if load > 1 else ""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        beside = _beside_training(folder)
        wall = _hundred_runs(folder)
        results = [json.loads(path.read_text()) for path in folder.glob("results/hundred/runs/**/result.json")]
    slowest = max(beside, key=lambda model: beside[model])
    cores = THREADS * wall
    training = sum(result["cost"]["training_seconds"] for result in results)
    processes = sum(result["cost"]["cpu_seconds"] for result in results) - training
    begun = min(result["provenance"]["started"] for result in results)
    ended = max(result["provenance"]["finished"] for result in results)
    around = THREADS * (wall - (datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds())
    rest = {
        "starting processes, evaluation and files": processes,
        "preparing before and reporting after": around,
        "Snakemake between jobs, and waiting": cores - training - processes - around,
    }
    shares = ", ".join(f"{what} {seconds / cores:.0%}" for what, seconds in rest.items())
    return [
        Row(
            f"a training job beside its training, the slowest of our {len(beside)} models{busy}",
            f"{beside[slowest]:.2f} s ({slowest})",
            f"fastest {min(beside.values()):.2f} s",
            "",
            "≤ 3.5 s",
        ),
        Row(
            f"a study of {len(results)} runs of {training / len(results):.2f} s on {THREADS} cores{busy}",
            f"{wall:.0f} s, {training / cores:.0%} of it training",
            shares,
            "",
            "",
        ),
    ]


OWN_MODELS: dict[str, dict[str, object]] = {
    "mlp": {"model": "mlp", "hidden": [64]},
    "convnet": {"model": "convnet", "layers": [{"conv": 16, "kernel": 3}, "relu", {"pool": 2}], "hidden": [64]},
    "vgg_small": {"model": "vgg_small"},
    "inception_small": {"model": "inception_small"},
    "resnet_small": {"model": "resnet_small"},
    "basic_block_net": {"model": "basic_block_net"},
}


def _beside_training(folder: Path) -> dict[str, float]:
    """For each model the median of a job's wall time less its training seconds."""
    study = {
        "study": "jobs",
        "datasets": {"digits": {"source": "digits", "mode": "RGB", "resize": 32, "limit": 64}},
        "architectures": OWN_MODELS,
        "optimizers": {"sgd": {"name": "SGD", "lr": 0.01}},
        "recipes": {"one": {"epochs": 1}},
        "seeds": REPEATS,
    }
    (folder / "jobs.yaml").write_text(json.dumps(study))
    bakeoff = str(BIN / "bakeoff")
    _seconds([bakeoff, "prepare", "jobs.yaml", "digits"], folder)
    _seconds([bakeoff, "check", "jobs.yaml"], folder)
    found = {}
    for model in OWN_MODELS:
        beside = []
        for seed in range(REPEATS):
            run = f"digits/{model}/sgd/one/seed{seed}"
            seconds = _seconds([bakeoff, "train", "jobs.yaml", run], folder)
            cost = json.loads((folder / f"results/jobs/runs/{run}/result.json").read_text())["cost"]
            beside.append(seconds - cost["training_seconds"])
        found[model] = statistics.median(beside)
    return found


def _hundred_runs(folder: Path) -> float:
    """The seconds from start to report of a study of 100 seeds, each of which trains for about a second."""

    def study_of(name: str, epochs: int, seeds: int) -> dict[str, object]:
        return {
            "study": name,
            "datasets": {"digits": {"source": "digits"}},
            "architectures": {"mlp": OWN_MODELS["mlp"]},
            "optimizers": {"sgd": {"name": "SGD", "lr": 0.05}},
            "recipes": {"plain": {"epochs": epochs}},
            "seeds": seeds,
        }

    (folder / "probe.yaml").write_text(json.dumps(study_of("probe", 100, 1)))
    _seconds([str(BIN / "bakeoff"), "train", "probe.yaml", "digits/mlp/sgd/plain/seed0"], folder)
    probe = json.loads((folder / "results/probe/runs/digits/mlp/sgd/plain/seed0/result.json").read_text())
    study = study_of("hundred", max(1, round(1 / probe["cost"]["seconds_per_epoch"])), 100)
    (folder / "hundred.yaml").write_text(json.dumps(study))
    command = [str(BIN / "snakemake"), "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    return _seconds([*command, "--cores", str(THREADS), "--configfile", str(folder / "hundred.yaml")], folder)


def _seconds(command: list[str], folder: Path) -> float:
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}  # rules call `bakeoff` by its name
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
