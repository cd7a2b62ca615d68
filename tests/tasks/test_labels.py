import pytest

from lamina.errors import ConfigError
from lamina.tasks.labels import Label, named_side, read_labels


def entry(value, name, **more):
    return {"value": value, "name": name, "color": [1, 2, 3], **more}


def test_a_label_is_read_whole():
    code = {"value": "10200004", "scheme": "SCT", "meaning": "Liver"}
    labels = read_labels([entry(0, "background"), entry(1, "liver", code=code)])
    assert labels[1] == Label(1, "liver", (1, 2, 3), code)


@pytest.mark.parametrize("values", [(1, 2), (0, 2), (0, 1, 1), (1, 0)])
def test_values_must_run_from_0(values):
    with pytest.raises(ConfigError, match=r"task#labels: values \[.*\], expected \[0, 1"):
        read_labels([entry(value, f"n{i}") for i, value in enumerate(values)])


def test_a_name_that_stands_twice_is_named():
    with pytest.raises(ConfigError, match=r"\['lung'\] stands twice"):
        read_labels([entry(0, "background"), entry(1, "lung"), entry(2, "lung")])


@pytest.mark.parametrize("key", ["value", "name", "color"])
def test_what_is_missing_is_named(key):
    broken = entry(0, "background")
    del broken[key]
    with pytest.raises(ConfigError, match=f"task#labels#0.*: .* lacks '{key}', expected an object"):
        read_labels([broken])


@pytest.mark.parametrize("key", ["value", "scheme", "meaning"])
@pytest.mark.parametrize("where", ["itself", "category", "modifier"])
def test_a_code_is_whole(key, where):
    whole = {"value": "39607008", "scheme": "SCT", "meaning": "Lung"}
    broken = {name: text for name, text in whole.items() if name != key}
    code = broken if where == "itself" else whole | {where: broken}
    path = "task#labels#1#code" + ("" if where == "itself" else f"#{where}")
    with pytest.raises(ConfigError, match=f"{path} .*: .* lacks '{key}', expected an object"):
        read_labels([entry(0, "background"), entry(1, "lung", code=code)])


def test_a_label_with_a_code_can_be_a_key():
    coded = Label(1, "liver", (1, 2, 3), {"value": "10200004", "meaning": "Liver"})
    assert {coded: 1}[Label(1, "liver", (1, 2, 3), {"meaning": "Liver", "value": "10200004"})] == 1


@pytest.mark.parametrize("name", ["Left lung", "lung_l", "RIGHT", "niere links", "poumon gauche"])
def test_sides_in_several_languages(name):
    assert named_side(["background", name]) == name


@pytest.mark.parametrize("name", ["bright", "lung", "copyright", "r2", "cleft"])
def test_words_that_only_hold_one_are_none(name):
    assert named_side([name]) is None
