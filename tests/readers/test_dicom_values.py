"""Grey values of DICOM files of every kind of colour, palette, inversion and modality."""

import imagecodecs
import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import HTJ2K, HTJ2KLossless, HTJ2KLosslessRPCL, ImplicitVRLittleEndian
from tests.scan_files import dicom_file

from lamina.errors import ReadError
from lamina.readers.images import read_image
from lamina.readers.source import Source

WEIGHTS = np.array([0.299, 0.587, 0.114])


@pytest.fixture
def random():
    return np.random.default_rng(3)


@pytest.fixture
def read(tmp_path, write_dicom):
    """Read what is written of pixels (rows, columns[, 3]) and elements; returns (rows, columns)."""

    def write_and_read(pixels, **elements):
        path = write_dicom(tmp_path / "a.dcm", pixels, **elements)
        return read_image(str(path))[0].T

    return write_and_read


def palette(table, first=0, bits=16, count=None, dtype="<u2"):
    """Elements of a palette (entries, 3)."""
    elements = {"PhotometricInterpretation": "PALETTE COLOR"}
    for band, colour in enumerate(("Red", "Green", "Blue")):
        name = f"{colour}PaletteColorLookupTable"
        elements[f"{name}Descriptor"] = [(count or len(table)) % 2**16, first, bits]
        elements[f"{name}Data"] = np.ascontiguousarray(table[:, band]).astype(dtype).tobytes()
    return elements


@pytest.mark.parametrize("first", [0, 3])
@pytest.mark.parametrize("count", [5, 256, 4096])
def test_a_palette_is_looked_up(read, random, count, first):
    """Values before its first entry and behind its last one are those entries."""
    table = random.integers(0, 65536, (count, 3))
    stored = random.integers(0, count + 10, (5, 7)).astype(np.uint16)
    expected = table[np.clip(stored.astype(int) - first, 0, count - 1)] @ WEIGHTS
    np.testing.assert_allclose(read(stored, **palette(table, first)), expected, rtol=1e-6)


def test_a_palette_of_65536_entries(read, random):
    table = random.integers(0, 65536, (65536, 3))
    stored = np.array([[0, 300, 65535]], np.uint16)
    expected = table[stored] @ WEIGHTS
    np.testing.assert_allclose(read(stored, **palette(table)), expected, rtol=1e-6)


@pytest.mark.parametrize("count", [200, 1000])
def test_a_palette_of_8_bits_is_grey_as_other_colours_of_8_bits(read, random, count):
    table = random.integers(0, 256, (count, 3)).astype(np.uint8)
    stored = random.integers(0, count, (5, 8)).astype(np.uint16)
    expected = np.asarray(Image.fromarray(table[stored]).convert("L"))
    np.testing.assert_array_equal(read(stored, **palette(table, bits=8, dtype="u1")), expected)


def test_a_palette_of_negative_values(read, random):
    table = random.integers(0, 65536, (9, 3))
    stored = np.arange(-6, 6, dtype=np.int16).reshape(3, 4)
    expected = table[np.clip(stored.astype(int) + 4, 0, 8)] @ WEIGHTS
    np.testing.assert_allclose(read(stored, **palette(table, first=-4)), expected, rtol=1e-6)


def test_a_segmented_palette_is_expanded(read):
    """Discrete 0 and 100, then a line to 65500 in 5 steps (PS3.3, C.7.9.2)."""
    segments = np.array([0, 2, 0, 100, 1, 5, 65500], "<u2").tobytes()
    elements = palette(np.zeros((7, 3)))
    for colour in ("Red", "Green", "Blue"):
        del elements[f"{colour}PaletteColorLookupTableData"]
        elements[f"Segmented{colour}PaletteColorLookupTableData"] = segments
    values = read(np.arange(7, dtype=np.uint8)[None], **elements)
    expected = [0, 100, *np.linspace(100, 65500, 6)[1:]]
    np.testing.assert_allclose(values[0], expected, atol=1)


def test_a_palette_that_is_too_short_or_absent_is_refused(read):
    pixels = np.zeros((2, 3), np.uint8)
    with pytest.raises(ReadError, match="a.dcm: .*RedPalette.* has 4 entries, .* says 9"):
        read(pixels, **palette(np.zeros((4, 3)), count=9))
    with pytest.raises(ReadError, match="a palette without RedPaletteColorLookupTable"):
        read(pixels, PhotometricInterpretation="PALETTE COLOR")


@pytest.mark.parametrize(("bits", "kind"), [(16, "u2"), (12, "u2"), (10, "u2"), (32, "u4")])
def test_colours_keep_their_range(read, random, bits, kind):
    colours = random.integers(0, 2**bits, (4, 5, 3)).astype(kind)
    colours[0, 0] = 2**bits - 1
    values = read(colours, BitsStored=bits, HighBit=bits - 1)
    np.testing.assert_allclose(values, colours @ WEIGHTS, rtol=1e-6)
    assert values.max() == pytest.approx(2**bits - 1)


def test_colours_by_plane(read, random):
    colours = random.integers(0, 65536, (4, 5, 3)).astype(np.uint16)
    data = np.moveaxis(colours, -1, 0).tobytes()
    values = read(colours, PlanarConfiguration=1, PixelData=data)
    np.testing.assert_allclose(values, colours @ WEIGHTS, rtol=1e-6)


def test_luma_of_16_bits_is_the_grey_value(read, random):
    stored = random.integers(0, 65536, (4, 5, 3)).astype(np.uint16)
    values = read(stored, PhotometricInterpretation="YBR_FULL")
    np.testing.assert_array_equal(values, stored[..., 0])


def test_unknown_colours_are_refused(read):
    with pytest.raises(ReadError, match="its colours are HSV, expected one of"):
        read(np.zeros((2, 3, 3), np.uint8), PhotometricInterpretation="HSV")


@pytest.mark.parametrize(
    ("slope", "intercept", "expected"),
    [
        (2.5, -1024, 2.5 * 7 - 1024),
        ("", -1024, 7 - 1024),
        (None, -1024, 7 - 1024),
        (0, -1024, 7 - 1024),
        (2, "", 14),
        (None, None, 7),
    ],
)
def test_a_slope_that_is_empty_or_0_counts_as_1(read, slope, intercept, expected):
    given = {"RescaleSlope": slope, "RescaleIntercept": intercept}
    given = {name: value for name, value in given.items() if value is not None}
    assert (read(np.full((2, 3), 7, np.uint16), **given) == expected).all()


@pytest.mark.parametrize(("slope", "text"), [(0, "0"), ("", "empty")])
def test_a_slope_that_says_nothing_is_told(tmp_path, write_dicom, caplog, slope, text):
    path = write_dicom(tmp_path / "a.dcm", np.ones((2, 3), np.uint16), RescaleSlope=slope)
    read_image(str(path))
    assert f"a.dcm: RescaleSlope is {text}, taken as 1" in caplog.text


def test_what_follows_the_frames_of_the_header_is_left_alone(read, random):
    stored = random.integers(0, 99, (4, 5)).astype(np.uint16)
    np.testing.assert_array_equal(read(stored, PixelData=stored.tobytes() * 3), stored)


def table_of(values, first=0, bits=16, **changes):
    item = Dataset()
    item.LUTDescriptor = [len(values), first, bits]
    item.ModalityLUTType = "US"
    item.add_new("LUTData", "OW", np.asarray(values, "<u2").tobytes())
    for keyword, value in changes.items():
        if value is None:
            del item[keyword]
        else:
            setattr(item, keyword, value)
    return item


@pytest.mark.parametrize("first", [0, 4, -2])
def test_a_modality_table_is_looked_up(read, random, first):
    table = random.integers(0, 65536, 10)
    stored = np.arange(-8, 12, dtype=np.int16).reshape(4, 5)
    expected = table[np.clip(stored.astype(int) - first, 0, 9)]
    np.testing.assert_array_equal(
        read(stored, ModalityLUTSequence=[table_of(table, first)]), expected
    )


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_a_modality_table_is_mirrored_behind_it(read, bits):
    table = [5, 9, 2**bits - 1]
    values = read(
        np.arange(3, dtype=np.uint8)[None],
        PhotometricInterpretation="MONOCHROME1",
        ModalityLUTSequence=[table_of(table, bits=bits)],
    )
    assert values.tolist() == [[2**bits - 6, 2**bits - 10, 0]]


@pytest.mark.parametrize(
    "sequence",
    [
        [],
        [Dataset()],
        [table_of([7, 8], LUTData=None)],
        [table_of([7, 8], LUTDescriptor=None)],
        [table_of([7])],
        [table_of([7, 7, 7])],
    ],
    ids=["no item", "empty item", "no data", "no descriptor", "one entry", "one value"],
)
def test_a_degenerate_table_is_left_out_and_told(read, sequence, caplog):
    stored = np.arange(6, dtype=np.uint16).reshape(2, 3)
    values = read(stored, ModalityLUTSequence=sequence, RescaleSlope=2, RescaleIntercept=1)
    np.testing.assert_array_equal(values, stored * 2 + 1)
    assert "ModalityLUTSequence holds no table, left out" in caplog.text


def test_a_table_shorter_than_its_descriptor_is_refused(tmp_path, write_dicom):
    table = table_of([1, 2, 3], LUTDescriptor=[300, 0, 16])
    path = write_dicom(tmp_path / "a", np.ones((2, 3), np.uint8), ModalityLUTSequence=[table])
    with pytest.raises(ReadError, match=r"a: .*ModalityLUTSequence has 3 entries, .* says 300"):
        read_image(str(path))


@pytest.mark.parametrize(("slope", "intercept"), [(1, 0), (2, -100), (-2, 7)])
@pytest.mark.parametrize("limit", [None, 3])
@pytest.mark.parametrize("signed", [False, True])
def test_padding_is_the_darkest_where_low_is_bright(read, signed, limit, slope, intercept):
    stored = np.array([[0, 3, 2, 9], [100, 4095 - 2048 * signed, 50, 4]])
    padding = {"PixelPaddingValue": 0} | ({"PixelPaddingRangeLimit": limit} if limit else {})
    values = read(
        stored.astype(np.int16 if signed else np.uint16),
        PhotometricInterpretation="MONOCHROME1",
        BitsStored=12,
        HighBit=11,
        RescaleSlope=slope,
        RescaleIntercept=intercept,
        **padding,
    )
    padded = stored == 0 if limit is None else stored <= 3
    assert values[padded].max() == values.min()
    order = np.argsort(stored[~padded])
    assert (np.diff(values[~padded][order]) * slope < 0).all()


def test_padding_keeps_its_value_elsewhere(read):
    stored = np.array([[0, 5, 9]], np.uint16)
    np.testing.assert_array_equal(read(stored, PixelPaddingValue=9), stored)


def test_tables_of_an_implicit_file(tmp_path):
    """Whose words have no type of their own, and may seem unsigned."""
    table = np.arange(100, 110)
    image = dicom_file(
        tmp_path / "a", np.arange(-6, 6, dtype=np.int16)[None], ModalityLUTSequence=[]
    )
    image.ModalityLUTSequence = [table_of(table, first=-4)]
    image.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    image.save_as(tmp_path / "a", implicit_vr=True)
    expected = table[np.clip(np.arange(-6, 6) + 4, 0, 9)]
    np.testing.assert_array_equal(read_image(str(tmp_path / "a"))[0][:, 0], expected)


@pytest.mark.parametrize("syntax", [HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K], ids=lambda x: x.name)
@pytest.mark.parametrize("kind", ["u1", "u2", "i2"])
def test_high_throughput_jpeg_2000_is_read_to_the_digit(tmp_path, random, kind, syntax):
    """What OpenJPH encodes, decoded by OpenJPEG."""
    ends = np.iinfo(kind)
    stored = random.integers(ends.min, ends.max, (33, 45), endpoint=True).astype(kind)
    image = dicom_file(tmp_path / "a", stored)
    image.PixelData = encapsulate([imagecodecs.htj2k_encode(stored)])
    image["PixelData"].is_undefined_length = True
    image.file_meta.TransferSyntaxUID = syntax
    image.save_as(tmp_path / "a")
    np.testing.assert_array_equal(read_image(str(tmp_path / "a"))[0].T, stored)


@pytest.mark.parametrize(
    ("syntax", "named"),
    [
        ("1.2.840.10008.1.2.4.102", r"MPEG-4 AVC/H.264 High Profile .*\.4\.102\)"),
        ("1.2.840.10008.1.2.4.94", r"JPIP Referenced \(1.2.840.10008.1.2.4.94\)"),
        ("1.2.3.4.5", r"1.2.3.4.5"),
    ],
)
def test_what_nothing_decodes_is_refused_by_its_name(tmp_path, syntax, named):
    image = dicom_file(tmp_path / "a", np.zeros((2, 3), np.uint16))
    image.PixelData = encapsulate([bytes(12)])
    image["PixelData"].is_undefined_length = True
    image.file_meta.TransferSyntaxUID = syntax
    image.save_as(tmp_path / "a", implicit_vr=False, little_endian=True)
    with pytest.raises(ReadError, match=f"{named}.*which can't be decoded: no decoder"):
        Source(tmp_path / "a").plan  # noqa: B018


def test_negative_numbers_that_are_typed_as_unsigned(tmp_path):
    """As some writers do it: the type US, though the pixels are signed."""
    table = np.arange(100, 110)
    stored = np.arange(-6, 6, dtype=np.int16)[None]
    image = dicom_file(tmp_path / "a", stored, **palette(np.stack([table] * 3, axis=-1)))
    for tag in (0x00281101, 0x00281102, 0x00281103):
        image.add_new(tag, "US", [10, 2**16 - 4, 16])
    image.save_as(tmp_path / "a")
    np.testing.assert_allclose(
        read_image(str(tmp_path / "a"))[0][:, 0], table[np.clip(np.arange(-6, 6) + 4, 0, 9)]
    )
    image = dicom_file(tmp_path / "b", stored, PhotometricInterpretation="MONOCHROME1")
    image.add_new(0x00280120, "US", 2**16 - 6)
    image.save_as(tmp_path / "b")
    values = read_image(str(tmp_path / "b"))[0][:, 0]
    assert values.argmin() == 0
