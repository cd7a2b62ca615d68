"""The mask editor, in a real browser."""

import io
import shutil
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
from matplotlib.path import Path as Outline
from PIL import Image
from skimage.filters import threshold_otsu

from .conftest import running, stripes

expect = pytest.importorskip("playwright.sync_api").expect
expect.set_options(timeout=120_000)
READY = "#editor[aria-busy=false]"
COLUMNS, ROWS = 96, 70


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("drawing")


@pytest.fixture(autouse=True)
def folder(root, picture):
    """Two pictures without masks, whatever the test before has left."""
    for part in ("images", "masks", ".discarded"):
        shutil.rmtree(root / part, ignore_errors=True)
    (root / "images").mkdir()
    for name in ("a", "b"):
        (root / "images" / f"{name}.png").write_bytes(picture)
    return root


@pytest.fixture(scope="module")
def live(settings, root):
    with running(replace(settings, dataset_dir=root)) as address:
        yield address


@pytest.fixture
def editor(page, live):
    page.goto(f"{live}/draw")
    expect(page.locator(READY)).to_be_visible()
    return page


class Hand:
    """A pointer that moves in the picture's own pixels."""

    def __init__(self, page, columns=COLUMNS, rows=ROWS):
        box = page.locator("#canvas").bounding_box()
        self.page = page
        self.scale = min(box["width"] / columns, box["height"] / rows)
        self.left = box["x"] + (box["width"] - columns * self.scale) / 2
        self.top = box["y"] + (box["height"] - rows * self.scale) / 2

    def to_page(self, point):
        return self.left + point[0] * self.scale, self.top + point[1] * self.scale

    def draw(self, *points):
        self.page.mouse.move(*self.to_page(points[0]))
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*self.to_page(point))
        self.page.mouse.up()

    def click(self, point):
        self.page.mouse.click(*self.to_page(point))


def distance(start, end, columns=COLUMNS, rows=ROWS):
    """How far the centre of each pixel (rows, columns) is from a line."""
    x, y = np.meshgrid(np.arange(columns) + 0.5, np.arange(rows) + 0.5)
    start, way = np.array(start, float), np.subtract(end, start).astype(float)
    relative = np.stack([x, y], -1) - start
    share = np.clip(relative @ way / max(way @ way, 1e-12), 0, 1)
    return np.linalg.norm(relative - share[..., None] * way, axis=-1)


def save(page):
    with page.expect_response(lambda answer: answer.request.method == "PUT") as answer:
        page.get_by_role("button", name="Save", exact=True).click()
    assert answer.value.ok, answer.value.text()
    expect(page.locator("#state")).to_have_text("as saved")


def saved(folder, name="a"):
    return np.asarray(Image.open(folder / "masks" / f"{name}.png"))


def grey(folder):
    return np.asarray(Image.open(folder / "images" / "a.png"))


def test_threshold_pens_and_saving(editor, folder):
    editor.fill("#threshold", "150")
    expected = (grey(folder) > 150).astype(np.uint8)
    hand = Hand(editor)
    editor.fill("#size", "9")
    editor.get_by_label("lower").check()
    hand.draw((20, 12), (70, 40))
    editor.get_by_role("button", name="Black pen").click()
    hand.draw((60, 10), (60, 60))
    save(editor)
    white, black = distance((20, 12), (70, 40)), distance((60, 10), (60, 60))
    expected[white <= 4.5] = 3
    expected[black <= 4.5] = 0
    # The mouse stands on whole pixels of the screen: the pen's rim may differ.
    sure = (np.abs(white - 4.5) > 0.15) & (np.abs(black - 4.5) > 0.15)
    np.testing.assert_array_equal(saved(folder)[sure], expected[sure])
    assert sure.mean() > 0.9


def test_what_is_shown_is_what_is_saved(editor, folder, live):
    Hand(editor).draw((10, 10), (80, 20), (30, 60))
    save(editor)
    first = saved(folder)
    assert set(np.unique(first)) == {0, 1}
    editor.reload()
    expect(editor.locator(READY)).to_be_visible()
    save(editor)
    np.testing.assert_array_equal(saved(folder), first)


def test_nothing_is_lost_when_the_page_is_closed(browser, live, folder):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(f"{live}/draw")
    expect(page.locator(READY)).to_be_visible()
    Hand(page).draw((15, 15), (70, 50))
    expect(page.locator("#state")).to_have_text("not saved yet, kept in this browser")
    page.close()
    assert not (folder / "masks").exists()
    page = context.new_page()
    page.goto(f"{live}/draw")
    expect(page.locator(READY)).to_be_visible()
    expect(page.locator("#state")).to_have_text("not saved yet, kept in this browser")
    expect(page.locator("#pictures option:checked")).to_have_text("a (not saved)")
    save(page)
    drawn = saved(folder) > 0
    far = distance((15, 15), (70, 50))
    assert drawn[far < 5.8].all()
    assert not drawn[far > 6.2].any()
    context.close()


def test_undo_and_redo(editor, folder):
    hand = Hand(editor)
    hand.draw((20, 20), (60, 20))
    hand.draw((20, 50), (60, 50))
    editor.keyboard.press("Control+z")
    save(editor)
    assert saved(folder)[20].any()
    assert not saved(folder)[50].any()
    editor.get_by_role("button", name="Redo").click()
    save(editor)
    assert saved(folder)[50].any()
    for _ in range(3):
        editor.keyboard.press("Control+z")
    save(editor)
    assert not saved(folder).any()


def test_a_polygon_is_filled(editor, folder):
    editor.get_by_role("button", name="Polygon").click()
    hand = Hand(editor)
    corners = [(10, 10), (85, 15), (40, 30), (80, 60), (15, 55)]
    for corner in corners:
        hand.click(corner)
    editor.keyboard.press("Enter")
    save(editor)
    x, y = np.meshgrid(np.arange(COLUMNS) + 0.5, np.arange(ROWS) + 0.5)
    centres = np.stack([x.ravel(), y.ravel()], -1)
    inside = Outline([*corners, corners[0]], closed=True).contains_points(centres)
    rim = np.min(
        [distance(a, b) for a, b in zip(corners, [*corners[1:], corners[0]], strict=True)], axis=0
    )
    np.testing.assert_array_equal(
        (saved(folder) > 0)[rim > 0.2], inside.reshape(ROWS, COLUMNS)[rim > 0.2]
    )


def test_otsu_proposes_its_threshold(editor, folder):
    editor.get_by_role("button", name="Otsu's threshold").click()
    level = threshold_otsu(grey(folder))
    expect(editor.locator("#threshold-value")).to_have_text(str(int(level)))
    save(editor)
    np.testing.assert_array_equal(saved(folder), grey(folder) > level)
    editor.get_by_label("darker pixels").check()
    save(editor)
    np.testing.assert_array_equal(saved(folder), grey(folder) <= level)


def test_masks_of_one_class_may_be_stored_as_0_and_255(editor, folder):
    editor.fill("#threshold", "150")
    editor.select_option("#coding", "binary")
    expect(editor.locator(READY)).to_be_visible()
    save(editor)
    np.testing.assert_array_equal(saved(folder), (grey(folder) > 150) * 255)


def test_the_model_proposes_the_mask_of_the_interface(editor, folder, live):
    editor.get_by_role("button", name="Propose with the model").click()
    expect(editor.locator("#state")).to_have_text("not saved yet, kept in this browser")
    save(editor)
    file = {
        "name": "a.png",
        "mimeType": "image/png",
        "buffer": (folder / "images" / "a.png").read_bytes(),
    }
    answer = editor.request.post(f"{live}/predict?format=png", multipart={"file": file})
    expected = np.asarray(Image.open(io.BytesIO(answer.body())))
    np.testing.assert_array_equal(saved(folder), expected)


def test_pictures_are_walked_through_and_discarded(editor, folder):
    editor.get_by_role("button", name="Next").click()
    expect(editor.locator("#pictures option:checked")).to_have_text("b")
    expect(editor.locator(READY)).to_be_visible()
    editor.get_by_role("button", name="Discard picture").click()
    expect(editor.locator("#pictures option:checked")).to_have_text("b (discarded)")
    assert not (folder / "images" / "b.png").exists()
    editor.get_by_role("button", name="Keep picture").click()
    expect(editor.locator("#pictures option:checked")).to_have_text("b")
    assert (folder / "images" / "b.png").is_file()
    expect(editor.locator(READY)).to_be_visible()
    editor.keyboard.press("PageDown")
    expect(editor.locator("#pictures option:checked")).to_have_text("a")


def test_drafts_of_several_pictures_are_kept_apart(editor, folder):
    Hand(editor).draw((20, 20), (60, 20))
    editor.get_by_role("button", name="Next").click()
    expect(editor.locator("#pictures option:checked")).to_have_text("b")
    expect(editor.locator(READY)).to_be_visible()
    expect(editor.locator("#state")).to_have_text("as saved")
    editor.get_by_role("button", name="Previous").click()
    expect(editor.locator("#state")).to_have_text("not saved yet, kept in this browser")
    editor.get_by_role("button", name="As saved").click()
    expect(editor.locator("#state")).to_have_text("as saved")
    save(editor)
    assert not saved(folder).any()


def test_a_mask_that_somebody_else_changed_is_not_written_over(editor, folder):
    Hand(editor).draw((20, 20), (60, 20))
    (folder / "masks").mkdir()
    Image.fromarray(np.full((ROWS, COLUMNS), 2, np.uint8)).save(folder / "masks" / "a.png")
    editor.get_by_role("button", name="Save", exact=True).click()
    expect(editor.locator("#problem")).to_contain_text("a.png was changed meanwhile")
    assert (saved(folder) == 2).all()
    expect(editor.locator("#state")).to_have_text("not saved yet, kept in this browser")


def test_it_can_be_drawn_by_keyboard_alone(editor, folder):
    editor.fill("#size", "1")
    editor.locator("#canvas").focus()
    for key in ("Shift+ArrowLeft", "ArrowUp", " ", "ArrowRight", " "):
        editor.keyboard.press(key)
    save(editor)
    y, x = np.nonzero(saved(folder))
    assert sorted(zip(x.tolist(), y.tolist(), strict=True)) == [(38, 34), (39, 34)]


def test_it_is_zoomed_and_moved_without_a_change(editor, folder):
    hand = Hand(editor)
    for _ in range(3):
        editor.get_by_role("button", name="Zoom in").click()
    editor.get_by_role("button", name="Move", exact=True).click()
    hand.draw((40, 40), (60, 20))
    expect(editor.locator("#state")).to_have_text("as saved")
    editor.get_by_role("button", name="White pen").click()
    editor.get_by_role("button", name="Whole picture").click()
    hand.draw((30, 30), (31, 30))
    save(editor)
    far = distance((30, 30), (31, 30))
    drawn = saved(folder) > 0
    assert drawn[far < 5.8].all()
    assert not drawn[far > 6.2].any()


def test_the_slices_of_a_volume(page, settings, tmp_path, volume):
    shutil.copy(volume, tmp_path / "scan.nii.gz")
    with running(replace(settings, dataset_dir=tmp_path)) as address:
        page.goto(f"{address}/draw")
        expect(page.locator(READY)).to_be_visible()
        page.fill("#slice", "4")
        expect(page.locator("#slice-value")).to_have_text("5 of 7")
        expect(page.locator(READY)).to_be_visible()
        page.fill("#threshold", "120")
        save(page)
        mask = nib.load(tmp_path / "scan_mask.nii.gz")
        values, image = np.asarray(mask.dataobj), np.asarray(nib.load(volume).dataobj)
        np.testing.assert_array_equal(values[..., 4], image[..., 4] > 120)
        assert not np.delete(values, 4, 2).any()
        np.testing.assert_allclose(mask.affine, nib.load(volume).affine, atol=1e-6)


def test_a_stroke_on_a_large_picture_touches_only_what_it_covers(page, settings, tmp_path):
    """4,000 × 4,000 pixels: what a stroke costs is what it covers, not the picture's size."""
    Image.fromarray(stripes(4000, 4000).T).save(tmp_path / "large.png")
    with running(replace(settings, dataset_dir=tmp_path)) as address:
        page.goto(f"{address}/draw")
        expect(page.locator(READY)).to_be_visible()
        hand = Hand(page, 4000, 4000)
        page.fill("#size", "40")
        page.evaluate(
            "() => { window.painted = 0; const put = OffscreenCanvasRenderingContext2D.prototype.putImageData;"
            "OffscreenCanvasRenderingContext2D.prototype.putImageData = function (image, ...at) {"
            "window.painted += image.width * image.height; return put.call(this, image, ...at); }; }"
        )
        hand.draw((1000, 1000), (1100, 1050), (1200, 1000))
        assert 0 < page.evaluate("window.painted") < 600_000
        expect(page.locator("#state")).to_have_text("not saved yet, kept in this browser")


@pytest.mark.parametrize("seed", range(3))
def test_any_steps_can_be_undone_and_done_again(page, live, seed):
    """Random lines, polygons and thresholds: back to nothing, and forth to the same."""
    page.goto(f"{live}/draw")
    assert page.evaluate(
        """async seed => {
          const { Mask, drawLine, fillPolygon, applyThreshold } = await import("/static/mask.js");
          const random = () => (seed = (seed * 48271 + 11) % 2147483647) / 2147483647;
          const mask = new Mask(300, 517), grey = Uint8Array.from({length: 300 * 517}, () => 256 * random());
          const point = () => [320 * random() - 10, 540 * random() - 10];
          const states = [mask.values.slice()];
          for (let step = 0; step < 20; step++) {
            const value = Math.floor(4 * random()), kind = step % 3;
            if (kind === 0) { drawLine(mask, point(), point(), 1 + 40 * random(), value); mask.commit(); }
            if (kind === 1) { fillPolygon(mask, [point(), point(), point(), point()], value); mask.commit(); }
            if (kind === 2) applyThreshold(mask, grey, 255 * random(), random() < 0.5, 1 + value % 3);
            if (mask.done.length === states.length) states.push(mask.values.slice());
          }
          const same = (one, other) => one.every((v, i) => v === other[i]);
          const right = [];
          for (let at = states.length - 2; at >= 0; at--) { mask.undo(); right.push(same(mask.values, states[at])); }
          for (let at = 1; at < states.length; at++) { mask.redo(); right.push(same(mask.values, states[at])); }
          return right.length > 20 && right.every(Boolean);
        }""",
        seed + 1,
    )


def test_without_a_folder_the_page_says_how_to_name_one(page, settings):
    with running(settings) as address:
        page.goto(f"{address}/draw")
        expect(page.locator("#problem")).to_contain_text("lamina serve --dataset-dir DIR")


@pytest.mark.parametrize("width", [360, 1280, 2560])
def test_nothing_sticks_out(editor, width):
    editor.set_viewport_size({"width": width, "height": 900})
    assert editor.evaluate("document.documentElement.scrollWidth") <= width
