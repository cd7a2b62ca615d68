from pathlib import Path

import pytest

from lamina.errors import ReadError
from lamina.readers.parts import PART, part_addresses, require_part


@pytest.mark.parametrize("text", ["t:1", "t:12", "page:3"])
def test_parts_are_counted_from_1(text):
    assert PART.fullmatch(text)


@pytest.mark.parametrize("text", ["t:0", "t:", "t:-1", "1.2.840", "frames:2", "T:1", "t:01"])
def test_other_texts_are_no_parts(text):
    assert not PART.fullmatch(text)


def test_every_address_names_its_part():
    assert [
        require_part(Path("a.tif"), "page", 3, int(address.rpartition(":")[2]))
        for address in part_addresses(Path("a.tif"), "page", [1, 2, 3])
    ] == [0, 1, 2]


def test_the_only_one_needs_no_number():
    assert require_part(Path("a.nii"), "t", 1, None) == require_part(Path("a.nii"), "t", 1, 1) == 0


def test_a_number_beyond_the_last_is_refused_with_what_there_is():
    with pytest.raises(ReadError, match=r"a\.nii#t:2: the file has 1 volumes") as caught:
        require_part(Path("a.nii"), "t", 1, 2)
    assert "a.nii#t:1" in str(caught.value)
