import numpy as np
import pytest
from PIL import Image

from lamina.annotations.merge import join_sides, merge_masks
from lamina.cases.find import find_cases
from lamina.errors import DataError
from lamina.readers.images import read_label


@pytest.fixture
def study(tmp_path):
    """Write a picture of 6 columns and 4 rows, and its masks; return the three folders."""

    def write(part, name, values, mode="L"):
        path = tmp_path / part / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(values, np.uint8).T).convert(mode).save(path)

    def make(name="a", left=((4, 1),), right=((1, 2),), on=255, ending=""):
        write("images", f"{name}.jpg", np.full((6, 4), 90), "RGB")
        for part, places in (("left", left), ("right", right)):
            mask = np.zeros((6, 4))
            for place in places:
                mask[place] = on
            write(part, f"{name}{ending}.png", mask)

    make.write = write
    return make


@pytest.fixture
def merge(tmp_path):
    def run(sides=False):
        places = (tmp_path / part for part in ("images", "left", "right", "out"))
        return list(merge_masks(*places, sides))

    return run


@pytest.mark.parametrize(("sides", "left", "right"), [(False, 1, 1), (True, 1, 2)])
@pytest.mark.parametrize("on", [1, 255])
def test_joined_or_kept_apart(study, merge, tmp_path, sides, left, right, on):
    study(on=on)
    (made,) = merge(sides)
    assert made.problem is None
    label, _ = read_label(made.mask)
    assert (label[4, 1], label[1, 2], label.sum()) == (left, right, left + right)
    assert (tmp_path / "out/images/a.jpg").read_bytes() == (tmp_path / "images/a.jpg").read_bytes()


def test_the_folder_is_a_data_set(study, merge, tmp_path):
    study("a")
    study("b", ending="_mask")
    assert [made.problem for made in merge()] == [None, None]
    found = find_cases(tmp_path / "out")
    assert [case.name for case in found.cases] == ["a", "b"]
    assert all(case.label for case in found.cases)
    assert found.problems == ()


def test_pixels_on_both_sides_are_told(study, merge):
    study(left=((4, 1), (2, 2)), right=((2, 2),))
    assert merge(sides=True)[0].warnings == ("1 pixels are left and right; right counts",)
    assert merge(sides=False)[0].warnings == ()


def test_one_that_is_wrong_leaves_the_others(study, merge, tmp_path):
    study("a")
    study("b")
    study("c")
    study("d")
    (tmp_path / "right" / "b.png").unlink()
    study.write("left", "c.png", np.zeros((4, 6)))
    study.write("left", "d.png", np.arange(24).reshape(6, 4))
    made = {one.name: one.problem for one in merge()}
    assert made["a"] is None
    assert made["b"] == "no right mask of that name: add it, or take the picture out"
    assert made["c"].startswith("its left mask has 4×6 pixels, the picture 6×4")
    assert "its left mask has the values 0, 1, 2, 3" in made["d"]
    assert sorted(path.name for path in (tmp_path / "out/masks").iterdir()) == ["a.png"]
    assert sorted(path.name for path in (tmp_path / "out/images").iterdir()) == ["a.jpg"]


def test_an_empty_side_is_kept_and_told(study, merge):
    study(left=())
    (made,) = merge(sides=True)
    assert made.problem is None
    assert made.warnings == (
        "its left mask is empty: draw it, or take the picture out if it was forgotten",
    )


def test_two_of_one_name_and_no_pictures(study, merge, tmp_path):
    study()
    with pytest.raises(DataError, match="no such file or folder"):
        list(merge_masks(tmp_path / "none", tmp_path / "left", tmp_path / "right", tmp_path / "o"))
    study.write("images", "a.png", np.zeros((6, 4)))
    with pytest.raises(DataError, match=r"two pictures of one name: .*a\.jpg, .*a\.png"):
        merge()


def test_merge_and_encode_give_the_sides_back():
    rng = np.random.default_rng(0)
    left, right = rng.random((2, 7, 9)) < 0.3
    right &= ~left
    joined = join_sides(left, right, sides=True)
    np.testing.assert_array_equal(joined == 1, left)
    np.testing.assert_array_equal(joined == 2, right)
    np.testing.assert_array_equal(join_sides(left, right, sides=False) == 1, left | right)


def test_real_masks(real_data, tmp_path):
    folder = real_data / "chest_xray"
    pictures = sorted((folder / "images").iterdir(), key=lambda path: path.stat().st_size)[:4]
    for part in ("images", "left_mask", "right_mask"):
        (tmp_path / part).mkdir()
        for path in pictures:
            (source,) = (folder / part).glob(f"{path.stem}.*")
            (tmp_path / part / source.name).symlink_to(source)
    parts = [tmp_path / part for part in ("images", "left_mask", "right_mask")]
    made = list(merge_masks(*parts, tmp_path / "out", sides=True))
    assert [one.problem for one in made] == [None] * 4
    label, _ = read_label(made[0].mask)
    # The patient's left is on the picture's right.
    assert np.nonzero(label == 1)[0].mean() > np.nonzero(label == 2)[0].mean()


def test_the_real_set_lacks_two_lungs(real_data, tmp_path):
    folder = real_data / "chest_xray"
    named = {
        "covid-19-pneumonia-12": "its left mask is empty",
        "acute-respiratory-distress-syndrome-ards-1": "its right mask is empty",
    }
    places = []
    for part in ("images", "left_mask", "right_mask"):
        places.append(tmp_path / part)
        places[-1].mkdir()
        for name in named:
            (source,) = (folder / part).glob(f"{name}.*")
            (places[-1] / source.name).symlink_to(source)
    told = {one.name: one.warnings for one in merge_masks(*places, tmp_path / "out")}
    assert {name: text.split(":")[0] for name, (text,) in told.items()} == named
