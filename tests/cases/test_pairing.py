"""Pairs, and a sentence for each unpaired file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina.cases.layouts import Place
from lamina.cases.pairing import pair
from lamina.errors import DataError


def image(key, split=None, suffix=".png"):
    return Place(f"images/{key}{suffix}", key, "image", split, "images")


def label(key, split=None, folder="masks", suffix=".png"):
    return Place(f"{folder}/{key}{suffix}", key, "label", split, folder)


@given(
    st.sets(st.text("abc/", min_size=1), max_size=8),
    st.sets(st.text("abc/", min_size=1), max_size=8),
)
def test_everything_is_paired_or_named(images, labels):
    cases, problems = pair([image(key) for key in images] + [label(key) for key in labels])
    assert {case.image for case in cases} == {image(key).address for key in images}
    for case in cases:
        key = case.image.removeprefix("images/").removesuffix(".png")
        assert case.label == (label(key).address if key in labels else None)
    text = "\n".join(problems)
    if labels:
        for key in images - labels:
            assert f"{image(key).address}: an image without a label" in text
        for key in labels - images:
            assert f"{label(key).address}: a label without an image" in text


def test_without_any_label_one_sentence_says_so():
    cases, problems = pair([image("a"), image("b")])
    assert len(cases) == 2
    assert len(problems) == 1
    assert problems[0].startswith("no labels found: understood are imagesTr/ with labelsTr/")


def test_pairs_stay_within_their_split():
    cases, problems = pair([image("a", "training"), label("a", "test")])
    assert cases[0].label is None
    assert len(problems) == 2


def test_test_images_without_labels_are_no_problem():
    places = [image("a", "training"), label("a", "training"), image("b", "test")]
    cases, problems = pair(places)
    assert problems == []
    assert [(case.name, case.label is None, case.split) for case in cases] == [
        ("a", False, "training"),
        ("b", True, "test"),
    ]


def test_one_test_image_without_a_label_among_labelled_ones_is_a_problem():
    places = [image("a", "test"), label("a", "test"), image("b", "test")]
    assert "images/b.png: an image without a label" in pair(places)[1][0]


@pytest.mark.parametrize("kind", ["images", "labels"])
def test_two_files_with_one_name_are_named_and_not_taken(kind):
    twice = [image("a"), image("a", suffix=".jpg")] if kind == "images" else [image("a")]
    masks = [label("a"), label("a", suffix=".tif")] if kind == "labels" else [label("a")]
    cases, problems = pair([*twice, *masks, image("b"), label("b")])
    assert [case.name for case in cases if case.label] == ["b"]
    assert any(problem.startswith(f"2 {kind} for 'a': ") for problem in problems)
    assert not any("without" in problem for problem in problems)


def test_two_folders_of_masks_are_named_and_none_is_taken():
    places = [image("a"), label("a", folder="left_mask"), label("a", folder="right_mask")]
    cases, problems = pair(places)
    assert cases[0].label is None
    (problem,) = problems
    assert problem == (
        "2 folders of masks, of which none is taken: left_mask/, right_mask/\n"
        "  → merge their masks into one folder masks/, with one class value for each"
    )


def test_the_folders_of_nnunets_splits_are_no_conflict():
    places = [
        image("a", "training"),
        label("a", "training", "labelsTr"),
        image("b", "test"),
        label("b", "test", "labelsTs"),
    ]
    assert pair(places)[1] == []


def test_masks_may_carry_an_ending_in_their_folder():
    cases, problems = pair([image("a"), label("a_mask"), image("b_mask"), label("b_mask")])
    assert {case.name: case.label for case in cases} == {
        "a": "masks/a_mask.png",
        "b_mask": "masks/b_mask.png",
    }
    assert problems == []


def test_channels_of_nnunet_are_cut_off():
    places = [image("a_0000", "training"), label("a", "training"), image("b_0000", "test")]
    cases, problems = pair(places)
    assert [case.name for case in cases] == ["a", "b"]
    assert cases[0].label == "masks/a.png"
    assert problems == []


def test_four_digits_that_labels_share_are_no_channel():
    cases, problems = pair([image("scan_0001"), label("scan_0001")])
    assert cases[0].name == "scan_0001"
    assert problems == []


def test_several_channels_are_refused():
    with pytest.raises(DataError, match=r"images/a_0001\.png: channel 1 of an image"):
        pair([image("a_0000"), image("a_0001"), label("a")])


def test_one_name_in_two_splits_is_two_cases_of_two_patients():
    places = [
        image("1", "training"),
        label("1", "training"),
        image("1", "test"),
        label("1", "test"),
    ]
    cases, _ = pair(places)
    assert [(case.name, case.patient, case.split) for case in cases] == [
        ("1", "1", "training"),
        ("test_1", "test_1", "test"),
    ]


def test_an_added_test_case_does_not_rename_training_cases():
    before, _ = pair([image("1", "training"), label("1", "training")])
    after, _ = pair([image("1", "training"), label("1", "training"), image("1", "test")])
    assert before[0] == after[0]


def test_names_are_safe_and_patients_stand_as_written():
    (case,), _ = pair([image("eye 1/left"), label("eye 1/left")])
    assert (case.name, case.patient) == ("eye_1_left", "eye 1/left")
