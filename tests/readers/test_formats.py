"""Formats by suffix, and names without suffix."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamina.readers.formats import SUFFIXES, format_of, stem_of, suffix_of


@pytest.mark.parametrize(
    ("name", "suffix", "stem", "kind"),
    [
        ("a.nii", ".nii", "a", "nifti"),
        ("a.nii.gz", ".nii.gz", "a", "nifti"),
        ("a.b.NII.Gz", ".nii.gz", "a.b", "nifti"),
        ("a.nrrd", ".nrrd", "a", "itk"),
        ("a.seg.nrrd", ".seg.nrrd", "a", "itk"),
        ("a.mha", ".mha", "a", "itk"),
        ("a.MHD", ".mhd", "a", "itk"),
        ("a.JPG", ".jpg", "a", "picture"),
        ("a.jpeg", ".jpeg", "a", "picture"),
        ("a.Tiff", ".tiff", "a", "picture"),
        ("a.bmp", ".bmp", "a", "picture"),
        ("a.gif", ".gif", "a", "picture"),
        ("a.JP2", ".jp2", "a", "picture"),
        ("a.pgm", ".pgm", "a", "picture"),
    ],
)
def test_known_suffixes(name, suffix, stem, kind):
    assert suffix_of(name) == suffix
    assert stem_of(name) == stem
    assert format_of(name) == kind


@pytest.mark.parametrize("name", ["IM0001", "1.2.840.113", "a.dcm", "a.gz", "notes.txt", "nii"])
def test_other_names_have_no_format_and_are_their_own_stem(name):
    assert suffix_of(name) == ""
    assert format_of(name) is None
    assert stem_of(name) == name


@given(
    st.text("ab.1_- ", min_size=1).filter(lambda text: not text.isspace()),
    st.sampled_from(sorted(SUFFIXES)),
)
def test_stem_and_suffix_make_the_name(stem, suffix):
    name = f"x{stem}x{suffix}"
    assert stem_of(name) + suffix_of(name) == name


def test_only_the_name_counts_not_the_folder():
    assert stem_of(Path("/data.nii.gz/scan.png")) == "scan"
    assert format_of(Path("/data.nii.gz/scan")) is None


@pytest.mark.parametrize(
    ("address", "stem"),
    [
        ("/d/a.nii.gz#t:12", "a#t:12"),
        ("a.tif#page:3", "a#page:3"),
        ("a#1.png", "a#1"),
        ("IM1.dcm#frames:2", "IM1.dcm#frames:2"),
        ("a.nii#left", "a.nii#left"),
    ],
)
def test_the_stem_of_an_address_keeps_the_part_that_it_names(address, stem):
    assert stem_of(address) == stem
