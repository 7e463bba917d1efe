from unicodedata import normalize

import numpy as np
import pytest
from entries import dataset_of, prepare_entry
from PIL import Image

from bakeoff.data.loading import check_dataset
from bakeoff.errors import BakeoffError

COUNT = 20


def dataset(root, table: str, name="table.csv", folder="images"):
    """Images 0.png..19.png, each of its own gray, and a table."""
    (root / folder).mkdir(parents=True)
    for value in range(COUNT):
        Image.new("L", (4, 3), value).save(root / folder / f"{value}.png")
    (root / name).write_text(table)
    return root


def prepared(root, **entry):
    entry = {"table": "table.csv", "folder": "images", "test": 0.2, "validation": 0.25, "mode": "L", **entry}
    entry = {"source": "csv", "root": str(root), **entry}
    check_dataset(dataset_of(**entry))
    return prepare_entry(**entry)


def by_gray(data) -> dict[int, list]:
    """Gray level, which names the file, → (split, label)."""
    return {
        int(image[0, 0, 0]): (split, label.tolist())
        for split, (images, labels) in data.splits.items()
        for image, label in zip(images, labels, strict=True)
    }


def table(header: str, line) -> str:
    return "\n".join([header, *(line(k) for k in range(COUNT))]) + "\n"


def test_a_column_of_class_names(tmp_path):
    root = dataset(tmp_path / "in", table("image,color", lambda k: f"{k},{'red' if k % 2 else 'blue 10'}"))
    data = prepared(root, label="color", suffix=".png")
    card = data.card
    assert card["task"] == "multi-class" and card["classes"] == ["blue 10", "red"]
    assert card["class_counts"] == {"train": [6, 6], "validation": [2, 2], "test": [2, 2]}
    assert "label_cardinality" not in card
    found = by_gray(data)
    assert all(label == k % 2 for k, (_, label) in found.items()) and len(found) == COUNT


def test_columns_of_zeros_and_ones(tmp_path):
    text = table("file;cat;dog;cow", lambda k: f"images/{k}.png;{int(k < 10)};{k % 2};0" if k else "images/0.png;0;0;1")
    root = dataset(tmp_path / "in", text.replace("images/9.png;1;1;0", "images/9.png;1;1;1"))
    entry = {"image": "file", "folder": None, "delimiter": ";", "validation": 0.2, "labels": ["cow", "cat", "dog"]}
    data = prepared(root, **entry)
    card = data.card
    assert card["task"] == "multi-label" and card["classes"] == ["cow", "cat", "dog"]
    positives = np.sum(list(card["class_counts"].values()), axis=0)
    assert positives.tolist() == [2, 9, 10]
    assert card["label_cardinality"] == pytest.approx(21 / 20)
    found = by_gray(data)
    assert found[0][1] == [1, 0, 0] and found[9][1] == [1, 1, 1] and found[12][1] == [0, 0, 0]
    _, labels = data.splits["train"]
    assert labels.dtype == np.uint8 and labels.shape[1] == 3


def test_tags_and_a_column_of_splits(tmp_path):
    def line(k: int) -> str:
        split = ["train", "train", "train", "val", "test"][k % 5]
        return f"{k}.png\t{'sea, sun' if k < 15 else ['sun', ''][k % 2]}\t{split}"

    root = dataset(tmp_path / "in", table("image\ttags\tsplit", line), "table.tsv")
    entry = {"table": "table.tsv", "tags": "tags", "separator": ",", "split": "split", "test": None}
    data = prepared(root, **entry)
    card = data.card
    assert card["classes"] == ["sea", "sun"]
    assert card["counts"] == {"train": 12, "validation": 4, "test": 4}
    found = by_gray(data)
    assert found[0] == ("train", [1, 1]) and found[3][0] == "validation" and found[19] == ("test", [0, 0])
    with pytest.raises(BakeoffError, match=r"test images of its own; remove test: 0\.2"):
        prepared(root, **entry | {"test": 0.2})


HEADER = "image,label\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,kind\n0.png,a\n", r"table\.csv:1: there is no column 'label'.*allowed: image, kind"),
        ("picture,label\n0.png,a\n", r"table\.csv:1: there is no column 'image'"),
        (HEADER + "0.png,a\n77.png,a\n", r"table\.csv:3: there is no image .*77\.png"),
        (HEADER + "0.png,a\n\n1.png, \n", r"table\.csv:4: label is empty"),
        (HEADER + "0.png,a,b\n", r"table\.csv:2: has 3 cells, the header 2"),
        (HEADER + "0.png,a\n1.png,b\n./0.png,b\n", r"table\.csv:4: '\./0\.png' is also in line 2"),
        (HEADER + "/etc/passwd,a\n", r"table\.csv:2: '/etc/passwd' is not a path below"),
        (HEADER + "a/../../0.png,a\n", r"table\.csv:2: .*without '\.\.'"),
        (HEADER + "out/secret.png,a\n", r"table\.csv:2: .*a link to .*secret\.png, outside of its folder"),
        (HEADER + "link.png,a\n", r"table\.csv:2: .*a link to .*secret\.png, outside of its folder"),
        (HEADER + '0.png,"a\n', r"table\.csv:2: cannot be read as a table"),
        ("image,label,label\n", "the column 'label' is repeated"),
        (HEADER, "no line has a label"),
        ("", "is empty"),
    ],
)
def test_bad_tables_are_named_with_their_line(tmp_path, text, message):
    root = dataset(tmp_path / "in", text)
    (tmp_path / "elsewhere").mkdir()
    Image.new("L", (4, 3)).save(tmp_path / "elsewhere" / "secret.png")
    (root / "images" / "out").symlink_to(tmp_path / "elsewhere")
    (root / "images" / "link.png").symlink_to(tmp_path / "elsewhere" / "secret.png")
    with pytest.raises(BakeoffError, match=message):
        prepared(root, label="label")


@pytest.mark.parametrize(("yes", "no"), [("1", "0"), ("1.0", "0.0"), ("1", "-1"), ("1.0", "-1.0"), ("True", "False")])
def test_columns_as_other_tools_write_them(tmp_path, yes, no):
    text = table("image,a,b", lambda k: f"{k}.png,{yes if k % 2 else no},{yes if k < 10 else no}")
    found = by_gray(prepared(dataset(tmp_path / "in", text), labels=["a", "b"]))
    assert {k: label for k, (_, label) in found.items()} == {k: [k % 2, int(k < 10)] for k in range(COUNT)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,a,b\n0.png,0,1\n1.png,1,-1\n", r"table\.csv:3: b is -1, and .*table\.csv:2: a is 0; write one"),
        ("image,a,b\n0.png,0,1\n1.png,1,\n", r"table\.csv:3: b is ''; allowed: 0, 1"),
        ("image,a,b\n0.png,0,1\n1.png,1,nan\n", r"table\.csv:3: b is 'nan'; allowed: 0, 1"),
        ("image,a,b\n0.png,0,1\n1.png,1,0.5\n", r"table\.csv:3: b is '0\.5'; allowed: 0, 1"),
        ("image;a;b\n0.png;0;1\n", r'table\.csv:1: ";" stands between the columns, not ","; set delimiter: ";"'),
        ("image;a;b\n0.png;0,5;1\n", r'table\.csv:1: ";" stands between the columns'),
        ("image\ta\tb\n0.png\t0\t1\n", r'table\.csv:1: "\\t" stands .*set delimiter: "\\t"'),
    ],
)
def test_columns_that_cannot_be_meant(tmp_path, text, message):
    with pytest.raises(BakeoffError, match=message):
        prepared(dataset(tmp_path / "in", text), labels=["a", "b"])


def test_classes_that_are_numbers(tmp_path):
    root = dataset(tmp_path / "in", table("image,label", lambda k: f"{k}.png,{float(k % 2)}"))
    assert prepared(root, label="label").card["classes"] == ["0.0", "1.0"]
    mixed = dataset(tmp_path / "mixed", table("image,label", lambda k: f"{k}.png,{k % 2 if k < 9 else float(k % 2)}"))
    with pytest.raises(BakeoffError, match=r"table\.csv:11: '1\.0' is the same number as '1' in .*table\.csv:3; "):
        prepared(mixed, label="label")


def test_a_table_with_a_byte_order_mark(tmp_path):
    text = "\ufeff" + table("image,label", lambda k: f"{k}.png,{'ab'[k % 2]}")
    assert prepared(dataset(tmp_path / "in", text), label="label").card["classes"] == ["a", "b"]


@pytest.mark.parametrize(("listed", "on_disk"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_names_in_two_forms_of_unicode(tmp_path, listed, on_disk):
    def line(k: int) -> str:
        form = ("NFC", "NFD")[k // 2 % 2]
        return f"{normalize(listed, 'ä')}/{normalize(listed, 'ö')}{k}.png,{normalize(form, 'Möwe') if k % 2 else 'Hai'}"

    root = dataset(tmp_path / "in", table(f"image,{normalize(listed, 'größe')}", line))
    (root / "images" / normalize(on_disk, "ä")).mkdir()
    for k in range(COUNT):
        (root / f"images/{k}.png").rename(
            root / "images" / normalize(on_disk, "ä") / f"{normalize(on_disk, 'ö')}{k}.png"
        )
    data = prepared(root, label=normalize(on_disk, "größe"))
    assert [normalize("NFC", name) for name in data.card["classes"]] == ["Hai", "Möwe"]
    assert {k: label for k, (_, label) in by_gray(data).items()} == {k: k % 2 for k in range(COUNT)}


def test_a_name_that_two_files_have(tmp_path):
    root = dataset(tmp_path / "in", "image,label\nệ.png,a\n")
    for form in ("NFD", "\u1eb9\u0302"):
        name = normalize("NFD", "ệ") if form == "NFD" else form
        Image.new("L", (4, 3)).save(root / "images" / f"{name}.png")
    with pytest.raises(BakeoffError, match=r"two names 'ệ\.png', one with composed"):
        prepared(root, label="label")


def test_values_that_are_no_bits(tmp_path):
    root = dataset(tmp_path / "in", "image,a,b\n0.png,0,1\n1.png,1,yes\n")
    with pytest.raises(BakeoffError, match=r"table\.csv:3: b is 'yes'; allowed: 0, 1"):
        prepared(root, labels=["a", "b"])


def test_splits_that_are_none(tmp_path):
    root = dataset(tmp_path / "in", "image,label,set\n0.png,a,train\n1.png,b,holdout\n")
    with pytest.raises(BakeoffError, match=r"table\.csv:3: 'holdout' is not a split; allowed: train"):
        prepared(root, label="label", split="set", test=None)
    with pytest.raises(BakeoffError, match="no test images; set test"):
        prepared(root, label="label", test=None)


def test_repeated_lines_count_once(tmp_path):
    text = table("image,label", lambda k: f"{k}.png,{'ab'[k % 2]}")
    root = dataset(tmp_path / "in", text + "0.png,a\n")
    assert sum(prepared(root, label="label").card["counts"].values()) == COUNT


def test_a_label_without_a_training_image(tmp_path):
    root = dataset(tmp_path / "in", table("image,a,b", lambda k: f"{k}.png,1,0"))
    with pytest.raises(BakeoffError, match="labels without a training image: 'b'"):
        prepared(root, labels=["a", "b"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "exactly one of label, labels, tags; found: none"),
        ({"label": "a", "tags": "b"}, "found: label, tags"),
        ({"labels": "a"}, "labels is a list"),
        ({"labels": ["a", "a"]}, "is repeated"),
        ({"label": "a", "delimiter": "--"}, "one character"),
        ({"label": 3}, "text"),
        ({"label": "a", "test": 2}, "between 0 and 1"),
        ({"label": "a", "seperator": ","}, "did you mean 'separator'"),
    ],
)
def test_wrong_arguments_are_refused_without_data(tmp_path, arguments, message):
    with pytest.raises(BakeoffError, match=message):
        check_dataset(dataset_of(source="csv", table="t.csv", **arguments))


def test_a_table_outside_the_root(tmp_path):
    with pytest.raises(BakeoffError, match=r"data\.table: '\.\./t\.csv' is not a path below"):
        prepared(tmp_path, table="../t.csv", label="label")
