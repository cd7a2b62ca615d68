from lamina.planning.survey import Survey
from lamina.planning.table import survey_table


def test_it_tells_what_there_is(volumes, survey_of):
    text = survey_table(survey_of(volumes), {1: "Body", 2: "Tail"})
    lines = text.splitlines()
    assert lines[0] == "10 labelled cases, 3D"
    assert any(line.startswith("size (voxels)") and "26 × 22 × 12" in line for line in lines)
    body = next(line.split() for line in lines if line.startswith("Body"))
    assert body[1:4] == ["1", "10", "320"]
    assert body[-1] == "1"


def test_nothing_is_told_of_nothing():
    assert survey_table(Survey(()), {}) == "no labelled case can be read"
