import numpy as np
import pytest
from PIL import Image

from lamina.cases.slice_list import list_slices
from lamina.output.contact_sheet import write_contact_sheets
from lamina.phantoms.dicom_series import Study, in_plane, series_slices


@pytest.fixture
def slices(tmp_path):
    volume = np.zeros((9, 33, 14), dtype=np.int16)
    volume += (np.arange(33, dtype=np.int16) * 100 - 1000)[None, :, None]
    (tmp_path / "src").mkdir()
    image = in_plane(volume, np.eye(4), "coronal")
    for number, one in enumerate(series_slices(image, Study("sheet", "P"), "coronal")):
        one.save_as(tmp_path / "src" / f"IM{number:02d}", enforce_file_format=True)
    return list_slices(tmp_path / "src")


def test_every_slice_is_on_a_page(tmp_path, slices):
    pages = write_contact_sheets(slices, tmp_path / "sheets", (-1000.0, 3000.0))
    assert [page.name for page in pages] == ["sheet_001.png", "sheet_002.png"]
    sizes = {Image.open(page).size for page in pages}
    assert len(sizes) == 1


def test_a_slice_stands_in_its_cell_with_its_greys(tmp_path, slices):
    page = write_contact_sheets(slices, tmp_path / "sheets", (-1000.0, 3000.0))[0]
    pixels = np.asarray(Image.open(page).convert("L")).astype(int)
    width = (pixels.shape[1] - 8) // 6
    for place in (0, 5, 7, 29):
        left, top = place % 6 * width + 8, place // 6 * (pixels.shape[0] - 8) // 5 + 28
        # coronal slices run from front to back, the volume's y from back to front
        expected = (32 - place) * 100 / 4000 * 255
        assert pixels[top + 90, left + 40] == pytest.approx(expected, abs=1.5)
