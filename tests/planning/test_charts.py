import numpy as np
import pytest

from lamina.cases.case import Case
from lamina.planning.charts import intensity_chart, structure_charts
from lamina.planning.survey import CaseSurvey, Structure, Survey
from lamina.tasks.labels import Label

LABELS = [Label(0, "background", (0, 0, 0)), Label(1, "lung", (0, 120, 255))]


def case(name, inside, outside, voxels=10, scale=1.0):
    inside, outside = (scale * np.asarray(v, np.float32) for v in (inside, outside))
    return CaseSurvey(
        files=Case(name, f"{name}.nii", f"{name}_mask.nii", name),
        source="NIfTI",
        orientation="RAS",
        shape=(4, 5, 6),
        spacing=(1.0, 2.0, 3.0),
        voxel_size=6.0,
        unit="mm",
        content=name,
        inside=inside,
        outside=outside,
        everywhere=np.concatenate([inside, outside]),
        structures={1: Structure(voxels, 2, (0.5, 0.5, 0.5))},
        between=(),
        edge=0,
        similarity_vector=np.zeros(8, np.float32),
        mirror_losses=(),
    )


def peak(path):
    points = [tuple(map(float, point.split(","))) for point in path.split()]
    return min(points, key=lambda point: point[1])


def test_each_curve_peaks_where_its_intensities_lie():
    rng = np.random.default_rng(0)
    survey = Survey((case("a", rng.normal(80, 3, 900), rng.normal(20, 3, 5000)),))
    chart = intensity_chart(survey, scaled=False)
    assert peak(chart.inside)[0] == pytest.approx(chart.axis.at(80), abs=15)
    assert peak(chart.outside)[0] == pytest.approx(chart.axis.at(20), abs=15)


def test_scaled_images_of_other_units_fall_together():
    rng = np.random.default_rng(0)
    inside, outside = rng.normal(80, 3, 900), rng.normal(20, 3, 900)
    alone = Survey((case("a", inside, outside),))
    both = Survey((case("a", inside, outside), case("b", inside, outside, scale=1e5)))
    assert intensity_chart(both, True).inside == intensity_chart(alone, True).inside


def test_without_anything_inside_there_is_no_chart():
    assert intensity_chart(Survey((case("a", [], [1.0, 2]),)), scaled=False) is None


def test_sizes_are_in_the_images_unit():
    survey = Survey(tuple(case(f"c{n}", [1.0], [0.0], voxels=n) for n in (10, 20, 30)))
    sizes, parts = structure_charts(survey, LABELS)
    assert sizes.title == "Size of each structure (mm³)"
    assert [point.text for point in sizes.boxes[0].points] == ["c10: 60", "c20: 120", "c30: 180"]
    assert [point.text for point in parts.boxes[0].points] == ["c10: 2", "c20: 2", "c30: 2"]
    assert sizes.boxes[0].quartiles[1] == sizes.axis.at(120)


def test_nothing_is_drawn_of_nothing():
    assert structure_charts(Survey(()), LABELS[:1]) == []
