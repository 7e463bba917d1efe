"""The smoke form: everything is still built, little is computed."""

from typing import Any

import pytest

from bakeoff.study.reading import parse_study
from bakeoff.study.smoke import BATCH, IMAGES, SIDE
from bakeoff.study.specification import specify
from bakeoff.study.study import Study, runs

CONFIG: dict[str, Any] = {
    "study": "big",
    "datasets": {
        "photos": {
            "source": "csv",
            "table": "a.csv",
            "label": "x",
            "resize": [300, 20],
            "center_crop": 256,
            "per_class": {"train": 500},
            "limit": 10_000,
        },
        "cifar": {"source": "torchvision", "dataset": "CIFAR10", "limit": 20},
    },
    "architectures": {
        "hub": {"model": "timm/resnet18", "pretrained": True},
        "file": {"model": "timm/resnet18", "pretrained": "weights.safetensors"},
    },
    "optimizers": {"sgd": {"name": "SGD", "lr": "1e-3"}},
    "recipes": {
        "long": {
            "epochs": 90,
            "batch_size": 256,
            "schedule": {"name": "MultiStepLR", "milestones": [30, 60], "warmup": 5},
            "early_stopping": {"patience": 3},
            "compile": True,
            "augment": [
                "RandomHorizontalFlip",
                {"RandomResizedCrop": {"size": 224}},  # of none of the sizes above
                {"RandomChoice": {"transforms": [{"RandomCrop": {"size": [300, 20]}}, {"RandomCrop": {"size": 28}}]}},
                {"RandomResizedCrop": {"size": "224", "scale": [0.5, 1]}},
            ],
        },
        "more": {"epochs": 3, "batch_size": 4, "init_from": {"recipe": "long", "seed": 7}},
    },
    "seeds": [7, 8],
}


@pytest.fixture
def smoke() -> Study:
    return parse_study({**CONFIG, "smoke": "true"})  # as Snakemake's --config hands it over


def test_it_has_folders_of_its_own_and_one_seed(smoke: Study) -> None:
    assert smoke.study == "big-smoke"
    assert smoke.seeds == (7,)
    assert parse_study({**CONFIG, "smoke": False}).study == "big"


def test_recipes_last_an_epoch_and_keep_what_they_build(smoke: Study) -> None:
    long, more = smoke.recipes["long"], smoke.recipes["more"]
    assert (long.epochs, long.batch_size, long.early_stopping, long.compile) == (1, BATCH, None, False)
    assert long.schedule is not None
    assert (long.schedule.name, long.schedule.warmup) == ("MultiStepLR", 0)
    assert long.schedule.arguments == {"milestones": [30, 60]}
    assert more.batch_size == 4
    assert more.init_from is not None and (more.init_from.recipe, more.init_from.seed) == ("long", 7)


def test_images_are_few_and_small_and_crops_fit_them(smoke: Study) -> None:
    photos, cifar = smoke.datasets["photos"], smoke.datasets["cifar"]
    assert (photos.resize, photos.center_crop, photos.per_class, photos.limit) == ((SIDE, 20), SIDE, None, IMAGES)
    assert (cifar.resize, cifar.limit, cifar.arguments["check_md5"]) == (None, 20, False)
    _, crop, choice, wrong = smoke.recipes["long"].augment
    assert crop.arguments == {"size": SIDE}
    assert choice.arguments["transforms"] == [{"RandomCrop": {"size": [SIDE, 20]}}, {"RandomCrop": {"size": 28}}]
    assert wrong.arguments == {"size": "224", "scale": [0.5, 1]}


def test_crops_stay_where_images_do() -> None:
    config = {**CONFIG, "datasets": {"cifar": CONFIG["datasets"]["cifar"]}, "smoke": True}
    assert parse_study(config).recipes["long"].augment == Study.model_validate(config).recipes["long"].augment


def test_nothing_is_fetched_from_the_hub(smoke: Study) -> None:
    assert smoke.architectures["hub"].model_dump()["pretrained"] == "random"
    assert smoke.architectures["file"].model_dump()["pretrained"] == "weights.safetensors"


def test_the_smoke_form_is_a_study_that_means_itself(smoke: Study) -> None:
    again = parse_study(smoke.model_dump(mode="json", exclude_unset=True))
    assert [specify(again, run).content for run in runs(again)] == [specify(smoke, run).content for run in runs(smoke)]
