import pytest

from lamina.errors import ConfigError
from lamina.tasks.dimensions import for_dims


@pytest.mark.parametrize(("dims", "wanted"), [(2, [8, 8]), (3, [8, 8, 4])])
def test_the_entry_of_the_dimension(dims, wanted):
    assert for_dims({"2": [8, 8], "3": [8, 8, 4]}, dims) == wanted


@pytest.mark.parametrize("value", [3, None, "text", [1, 2], {}, {"2": 1, "other": 2}])
def test_what_is_no_choice_stands_as_it_is(value):
    assert for_dims(value, 2) is value


def test_a_missing_entry_names_key_and_choice():
    with pytest.raises(ConfigError, match="task#lr has no entry for spatial_dims 3, only for 2"):
        for_dims({"2": 0.1}, 3, "lr")


@pytest.mark.parametrize("dims", [1, 4, "2", None])
def test_only_two_and_three(dims):
    with pytest.raises(ConfigError, match="spatial_dims: .*\n.*use 2 or 3"):
        for_dims(1, dims)
