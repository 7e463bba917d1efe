"""What a study may say about seeds until decided, and what is refused in a line."""

from typing import Any

import pytest

from bakeoff.study.study import StudyError, runs
from synthetic_runs import study_of

TWO_RECIPES = {"plain": {"epochs": 4}, "tuned": {"epochs": 1, "init_from": {"recipe": "plain"}}}


def rounds(**changes: Any) -> dict[str, Any]:
    return {"until": "decided", **changes}


def test_the_first_round_has_the_seeds_of_the_first_look() -> None:
    study = study_of(seeds=rounds())
    assert study.rounds is not None
    assert study.rounds.weights == pytest.approx((0.1, 0.2, 0.3, 0.4))
    assert {cell: study.seeds_of(cell) for cell in study.cells} == dict.fromkeys(study.cells, (0, 1, 2, 3, 4))
    first = next(iter(study.cells))
    later = study.in_round(dict.fromkeys(study.cells, 8) | {first: 5})
    assert len(runs(later)) == 5 + 3 * 8
    assert len(runs(study)) == 4 * 5, "the study itself stays as it is"


def test_fixed_seeds_are_no_race() -> None:
    study = study_of(seeds=[3, 1])
    assert study.rounds is None
    assert [study.seeds_of(cell) for cell in study.cells] == [(3, 1)] * 4


@pytest.mark.parametrize(
    ("seeds", "words"),
    [
        (rounds(looks=[5, 8, 8]), "seeds.looks: each look has more seeds than the one before"),
        (rounds(looks=[8, 5]), "seeds.looks: each look has more seeds than the one before"),
        (rounds(looks=[2, 5]), "seeds.looks: the first look is at 2 seeds; a verdict takes at least 3"),
        (rounds(looks=[2]), "seeds.looks: the first look is at 2 seeds"),
        (rounds(looks=[]), "seeds.looks: no look is listed"),
        (rounds(indifference=0.5), "seeds.indifference: found 0.5; accuracy is a fraction: write 0.005 for 0.5 points"),
        (rounds(indifference=-0.1), "seeds.indifference"),
        (rounds(claim="images"), "seeds.claim: Input should be 'other_images' or 'these_images'"),
        (rounds(look=[5]), "seeds.look: unknown key; did you mean 'looks'?"),
        ({"looks": [5, 8]}, "seeds.until: is required and is missing"),
        ({"until": "best"}, "seeds.until: Input should be 'decided'"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_line(seeds: dict[str, Any], words: str) -> None:
    with pytest.raises(StudyError) as refused:
        study_of(seeds=seeds)
    assert words in str(refused.value) and "\n" not in str(refused.value)


def test_an_indifference_in_the_units_of_a_loss_may_be_large() -> None:
    assert study_of(metric="loss", seeds=rounds(indifference=0.5)).rounds is not None


def test_a_run_that_starts_from_another_is_not_raced() -> None:
    with pytest.raises(StudyError, match=r"recipes.tuned.init_from: cannot stand beside .* may leave the race"):
        study_of(recipes=TWO_RECIPES, seeds=rounds())


def test_a_metric_of_a_plugin_says_nothing_of_other_images(tmp_path: Any) -> None:
    (tmp_path / "mine.py").write_text(
        "from bakeoff.plugins import metric\n\n\n@metric('half')\ndef half(predictions):\n    return 0.5\n"
    )
    plugin = str(tmp_path / "mine.py")
    with pytest.raises(StudyError, match="no formula for what other images would do to half; write claim: these"):
        study_of(plugins=[plugin], metric="half", seeds=rounds())
    assert study_of(plugins=[plugin], metric="half", seeds=rounds(claim="these_images")).rounds is not None


def test_the_smoke_form_has_one_seed() -> None:
    study = study_of(seeds=rounds(), smoke=True)
    assert study.rounds is None and len(runs(study)) == 4
