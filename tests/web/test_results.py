import io
import json

import numpy as np
import pytest
from PIL import Image

from lamina.metrics.measure import MeasureSettings
from lamina.readers.grid import Grid
from lamina.tasks.labels import Label
from lamina.web.results import describe_case, overlay_png, write_files, write_one
from lamina.writers.segmented_case import SegmentedCase

LABELS = (
    Label(0, "background", (0, 0, 0)),
    Label(1, "upper", (255, 0, 0)),
    Label(2, "lower", (0, 0, 255)),
)


@pytest.fixture
def case():
    label = np.zeros((30, 20), np.uint8)
    label[:, 4:9] = 1
    label[:10, 9:15] = 2
    image = np.random.default_rng(0).normal(100, 10, (1, 30, 20))
    settings = MeasureSettings(metrics=("boundary_error",), depth_axis=1)
    return SegmentedCase(
        "a", "a.png", image, label, Grid(label.shape, np.eye(4), "px"), LABELS, settings
    )


def test_the_overlay_has_the_pictures_size_and_colours(case):
    picture = np.asarray(Image.open(io.BytesIO(overlay_png(case)))).astype(int)
    assert picture.shape == (20, 30, 3)
    red = picture[6, 20]
    assert red[0] - red[2] > 100
    blue = picture[12, 5]
    assert blue[2] - blue[0] > 100
    grey = picture[18, 15]
    assert grey[0] == grey[1] == grey[2]


def test_a_flat_dicom_image_is_a_picture_too(case):
    flat = SegmentedCase(
        "a",
        "a",
        case.image[..., None],
        case.label[..., None],
        Grid(case.label[..., None].shape, np.eye(4)),
        LABELS,
    )
    assert Image.open(io.BytesIO(overlay_png(flat))).size == (30, 20)


def test_a_description_holds_measurements_and_the_thickness_of_layers(case):
    told = describe_case(case)
    assert (told["shape"], told["unit"]) == ([30, 20], "px")
    rows = {row["structure"]: row for row in told["measurements"]}
    assert (rows["upper"]["area_px2"], rows["lower"]["area_px2"]) == (150, 60)
    assert told["profile"]["unit"] == "px"
    assert told["profile"]["layers"]["upper"] == [5.0] * 30
    assert told["profile"]["layers"]["lower"] == [6.0] * 10 + [0.0] * 20


def test_of_a_volume_the_thickness_is_the_mean_over_its_slices(case):
    label = np.stack([case.label, np.zeros_like(case.label)], axis=-1)
    image = np.repeat(case.image[..., None], 2, axis=-1)
    affine = np.diag([0.01, 0.002, 0.1, 1])
    volume = SegmentedCase("a", "a", image, label, Grid(label.shape, affine), LABELS, case.measure)
    profile = describe_case(volume)["profile"]
    assert profile["unit"] == "um"
    assert profile["layers"]["upper"][0] == pytest.approx(5.0)


# Readers refuse what is infinite; the standard deviation of such an image is none.
@pytest.mark.filterwarnings("ignore:invalid value encountered in subtract")
def test_what_json_does_not_know_becomes_null(case):
    case.image[0, 0, 4] = np.inf
    told = describe_case(case)
    assert told["measurements"][0]["intensity_mean"] is None
    json.dumps(told, allow_nan=False)


def test_files_are_in_every_format_that_suits(case, tmp_path):
    files, missing = write_files(case, tmp_path)
    assert [path.name for path in files] == ["a.png", "a.nii.gz", "a.png"]
    assert missing == []
    mask = np.asarray(Image.open(tmp_path / "a.png"))
    np.testing.assert_array_equal(mask.T, case.label)
    assert (tmp_path / "overlays" / "a.png").is_file()
    assert write_one(case, "nifti", tmp_path / "more").name == "a.nii.gz"
