"""The datasets: how many images each class has, and what they look like."""

from bakeoff.analysis.labels import SPLIT_TITLES
from bakeoff.analysis.mistakes import MOST_CLASSES
from bakeoff.report.columns import number_column, text_column
from bakeoff.report.document import Block, Details, Facts, Paragraph, Section, Table, tabulate
from bakeoff.report.material import Material, Row
from bakeoff.report.numbers import whole_text
from bakeoff.report.repeated_splits import how_it_is_cut, of_the_first_cut

LETTERS = 20  # that are named where no font has them
PAIRS = 3  # that are named for two splits; card.json has a hundred


def data(material: Material) -> Section:
    say = material.language.say
    parts = {name: _dataset(material, name) for name in material.datasets}
    return Section(say("Data"), "data", [*_missing_letters(material), *material.by_dataset("data", parts)])


def _missing_letters(material: Material) -> list[Block]:
    """A word on class names that figures cannot write here; nothing where every letter has a font."""
    path = material.layout.missing_letters
    if not path.exists():
        return []
    letters = path.read_text(encoding="utf-8")
    text = material.language.say(
        "No font of this system has some letters of class names ({letters}), so that figures for LaTeX show boxes. "
        "Install one that has them, such as Noto Sans, and draw the figures again.",
        letters=" ".join(letters[:LETTERS]) + ("…" if len(letters) > LETTERS else ""),
    )
    return [Paragraph(text, "warning")]


def _dataset(material: Material, name: str) -> list[Block]:
    say = material.language.say
    card = material.cards.get(name)
    if card is None:
        return [Paragraph(say("{name} is not prepared here, so there is nothing to say about its images.", name=name))]
    samples = say("The first training images of {name}, by class.", name=name)
    balance = say("Images per class of {name}, by split.", name=name)
    figures = material.figures({f"samples_{name}": samples})
    bars = material.figures({f"classes_{name}": balance})
    many, facts = len(card["classes"]) > MOST_CLASSES, _facts(material, card)
    numbers: list[Block] = [*bars, _class_table(material, name, card)]
    classes = bars if many else [Details(say("Images per class"), f"classes-{name}", numbers)]
    cut = material.cut_of(name)
    repeated = [(say("Repeated splits"), how_it_is_cut(cut, material.language))] if cut else []
    shown = Facts([*repeated, *facts, *(_sizes(material, card) if many else [])])
    noticed = [say("Preparing the data noticed: {warning}", warning=warning) for warning in card.get("warnings", [])]
    warnings = [Paragraph(text, "warning") for text in noticed]
    return [*of_the_first_cut(material, name), shown, *warnings, *_duplicates(material, card), *figures, *classes]


def _facts(material: Material, card: Row) -> list[tuple[str, str]]:
    say, count, whole = material.language.say, material.language.count, material.language.whole
    channels, height, width = card["shape"]
    size = f"{height} × {width}"
    facts = [
        (say("Images"), count("{size} pixels, {n} channel", "{size} pixels, {n} channels", channels, size=size)),
        (say("Classes"), whole(len(card["classes"]))),
        (say("Training images"), whole(card["counts"]["train"])),
        (say("Validation images"), whole(card["counts"]["validation"])),
        (say("Test images"), whole(card["counts"]["test"])),
        (say("Channel mean"), _channels(material, card["mean"])),
        (say("Channel standard deviation"), _channels(material, card["std"])),
    ]
    if card.get("skipped"):
        skipped = say("{number} that could not be read", number=whole(len(card["skipped"])))
        facts.append((say("Skipped files"), skipped))
    return facts


def _duplicates(material: Material, card: Row) -> list[Block]:
    """What the splits share; nothing is known of data that were prepared before it was looked for."""
    say, count = material.language.say, material.language.count
    found: list[Block] = []
    for shared in card.get("duplicates", []):
        first, second = (say(SPLIT_TITLES[split]) for split in shared["splits"])
        number = count(
            "The splits {first} and {second} share {n} image", "The splits {first} and {second} share {n} images",
            shared["images"], first=first, second=second,
        )  # fmt: skip
        pairs = ", ".join(" = ".join(pair) for pair in shared["pairs"][:PAIRS])
        found.append(Paragraph(say("{number}, such as {pairs}.", number=number, pairs=pairs), "warning"))
    return found


def _sizes(material: Material, card: Row) -> list[tuple[str, str]]:
    """The sizes of the smallest and the largest class, when there are too many classes to list."""
    say, whole = material.language.say, material.language.whole
    return [
        (
            say("Images per class, {split}", split=say(title).lower()),
            say("{low} to {high}", low=whole(min(counts)), high=whole(max(counts))),
        )
        for split, title in SPLIT_TITLES.items()
        if (counts := card["class_counts"].get(split))
    ]


def _channels(material: Material, values: list[float]) -> str:
    return "; ".join(material.language.number(value, 4) for value in values)


def _class_table(material: Material, name: str, card: Row) -> Table:
    say, counts = material.language.say, card["class_counts"]
    rows = [
        {"class": label, **{split: counts[split][index] for split in counts}}
        for index, label in enumerate(card["classes"])
    ]
    columns = [text_column(say("Class"), "class")]
    columns += [
        number_column(material, say(title), split, whole_text)
        for split, title in SPLIT_TITLES.items()
        if split in counts
    ]
    return tabulate(f"classes_{name}", say("Images per class of {name}.", name=name), columns, rows)
