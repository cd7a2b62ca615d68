"""The page to try a model, in a real browser."""

import io
import json
import urllib.request

import numpy as np
import pytest
from PIL import Image

from .conftest import COLOURS, make_weights

expect = pytest.importorskip("playwright.sync_api").expect
expect.set_options(timeout=120_000)
SHOWN = "#planes[aria-busy=false]"


@pytest.fixture
def files(picture, tmp_path):
    (tmp_path / "scan.png").write_bytes(picture)
    return tmp_path


@pytest.fixture(autouse=True)
def default_model(live):
    yield
    urllib.request.urlopen(urllib.request.Request(f"{live}/revert_model", method="POST")).read()


def open_page(page, live, file=None):
    page.goto(live)
    expect(page.locator("#task option")).not_to_have_count(0)
    if file is not None:
        page.set_input_files("#file", file)
        expect(page.locator(SHOWN)).to_be_visible()
        expect(page.locator("#working")).to_be_hidden()


def expected_mask(live, page, file):
    """The mask that the interface gives, (rows, columns)."""
    answer = page.request.post(
        f"{live}/predict?format=png",
        multipart={"file": {"name": "a.png", "mimeType": "image/png", "buffer": file.read_bytes()}},
    )
    return np.asarray(Image.open(io.BytesIO(answer.body())))


def test_which_model_is_used_is_told(page, live):
    open_page(page, live)
    expect(page.locator("#model")).to_contain_text("Three made-up layers")
    expect(page.locator("#model")).to_contain_text("file · model1.pth")
    expect(page.locator("#revert")).to_be_disabled()


def test_the_mask_is_painted_in_the_classes_colours(page, live, files, canvas_pixels):
    open_page(page, live, files / "scan.png")
    painted = canvas_pixels(page, "canvas.mask")
    mask = expected_mask(live, page, files / "scan.png")
    palette = np.array([[*color, 255 if value else 0] for value, color in enumerate(COLOURS)])
    np.testing.assert_array_equal(painted, palette[mask])


def test_the_overlay_is_visible_as_the_slider_says(page, live, files):
    open_page(page, live, files / "scan.png")
    sheet = page.locator(".sheet")

    def looks(opacity):
        page.fill("#opacity", str(opacity))
        shot = np.asarray(Image.open(io.BytesIO(sheet.screenshot())).convert("RGB"))
        return shot[3:-3, 3:-3].astype(int)

    bare, half, full = looks(0), looks(50), looks(100)
    assert np.ptp(bare, axis=-1).max() == 0
    shown = np.abs(full - bare).max(axis=-1) > 60
    assert shown.mean() > 0.05
    np.testing.assert_allclose(half[shown], (bare + full)[shown] / 2, atol=3)
    expect(page.locator("#opacity-value")).to_have_text("100 %")


def test_a_class_is_switched_off_and_on(page, live, files, canvas_pixels):
    open_page(page, live, files / "scan.png")
    mask = expected_mask(live, page, files / "scan.png")
    value = int(np.bincount(mask[mask > 0]).argmax())
    before = canvas_pixels(page, "canvas.mask")
    page.get_by_label(["", "upper", "middle", "lower"][value]).uncheck()
    without = canvas_pixels(page, "canvas.mask")
    assert (without[mask == value] == 0).all()
    np.testing.assert_array_equal(without[mask != value], before[mask != value])
    page.get_by_role("button", name="None").click()
    assert (canvas_pixels(page, "canvas.mask") == 0).all()
    page.get_by_role("button", name="All").click()
    np.testing.assert_array_equal(canvas_pixels(page, "canvas.mask"), before)


def test_measurements_and_thickness_are_shown(page, live, files):
    open_page(page, live, files / "scan.png")
    mask = expected_mask(live, page, files / "scan.png")
    for value, name in enumerate(["upper", "middle", "lower"], start=1):
        row = page.locator("#table tr", has_text=name)
        count = int((mask == value).sum())
        expect(row.locator("td").first).to_have_text(f"{count:,}" if count else "–")
    expect(page.locator("svg.plot polyline")).to_have_count(3)
    page.get_by_label("upper").uncheck()
    expect(page.locator("svg.plot polyline")).to_have_count(2)


def test_the_mask_can_be_downloaded(page, live, files):
    open_page(page, live, files / "scan.png")
    mask = expected_mask(live, page, files / "scan.png")
    with page.expect_download() as download:
        page.get_by_text("Mask (PNG)").click()
    np.testing.assert_array_equal(np.asarray(Image.open(download.value.path())), mask)
    with page.expect_download() as table:
        page.get_by_text("Measurements (CSV)").click()
    lines = table.value.path().read_text().splitlines()
    assert lines[0].startswith("case,structure,value,voxels")
    assert len(lines) == 4


def test_a_volume_is_shown_in_three_planes(page, live, volume, canvas_pixels):
    open_page(page, live, volume)
    expect(page.locator(".plane figcaption")).to_have_count(3)
    first = page.locator(".plane").first
    slider = first.get_by_label("Slice of the B-scan plane")
    seen = set()
    for index in (0, 6):
        slider.fill(str(index))
        expect(first.locator("figcaption span")).to_have_text(f"{index + 1} / 7")
        expect(page.locator(".plane[aria-busy=false]")).to_have_count(3)
        seen.add(canvas_pixels(page, ".plane canvas.image").tobytes())
    assert len(seen) == 2
    assert canvas_pixels(page, ".plane canvas.image").shape[:2] == (66, 40)
    page.locator(".plane .stage").first.hover()
    page.mouse.wheel(0, -100)
    expect(first.locator("figcaption span")).to_have_text("6 / 7")
    expect(page.get_by_text("3D Slicer (.seg.nrrd)")).to_be_visible()


def test_a_wrong_model_is_refused_and_a_right_one_is_used_and_reverted(
    page, live, files, tiny, canvas_pixels
):
    open_page(page, live, files / "scan.png")
    before = canvas_pixels(page, "canvas.mask")
    page.set_input_files("#weights", make_weights(files / "wrong.pth", out_channels=9))
    expect(page.locator("#model-problem")).to_contain_text("wrong.pth is of another network")
    expect(page.locator("#model")).to_contain_text("model1.pth")
    page.set_input_files("#weights", tiny[2])
    expect(page.locator("#model-said")).to_have_text("Model uploaded successfully")
    expect(page.locator("#model")).to_contain_text("uploaded · model2.pth")
    expect(page.locator("#model-problem")).to_be_hidden()
    expect(page.locator(SHOWN)).to_be_visible()
    assert (canvas_pixels(page, "canvas.mask") != before).any()
    page.get_by_role("button", name="Revert").click()
    expect(page.locator("#model-said")).to_have_text("Reverted to default model")
    expect(page.locator("#model")).to_contain_text("file · model1.pth")
    expect(page.locator(SHOWN)).to_be_visible()
    np.testing.assert_array_equal(canvas_pixels(page, "canvas.mask"), before)


def test_what_is_no_image_is_told_in_words(page, live, files):
    open_page(page, live)
    (files / "notes.txt").write_text("nothing")
    page.set_input_files("#file", files / "notes.txt")
    expect(page.locator("#problem")).to_contain_text("notes.txt: neither DICOM nor one of")
    page.set_input_files("#file", files / "scan.png")
    expect(page.locator("#classes")).to_be_visible()
    expect(page.locator("#problem")).to_be_hidden()


def test_a_file_name_is_text_not_markup(page, live, picture):
    name = "<img src=x onerror=alert(1)>.png"
    page.goto(live)
    page.set_input_files("#file", {"name": name, "mimeType": "image/png", "buffer": picture})
    expect(page.locator("#title")).to_have_text(name)
    expect(page.locator("#classes")).to_be_visible()


def test_an_image_can_be_dropped(page, live, picture):
    open_page(page, live)
    page.evaluate(
        """bytes => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], "dropped.png", {type: "image/png"}));
          document.body.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));
        }""",
        list(picture),
    )
    expect(page.locator("#title")).to_have_text("dropped.png")
    expect(page.locator("#classes")).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/draw", "/results", "/docs"])
def test_nothing_is_loaded_from_elsewhere(page, live, path):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(live + path)
    page.wait_for_load_state("networkidle")
    assert asked
    assert all(url.startswith((live, "data:", "blob:")) for url in asked)


def test_the_documentation_is_shown(page, live):
    page.goto(f"{live}/docs")
    expect(page.get_by_text("/upload_model")).to_be_visible()


@pytest.mark.parametrize("width", [360, 1280, 2560])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_sticks_out_and_everything_can_be_read(browser, live, files, width, scheme):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    open_page(page, live, files / "scan.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    contrasts = page.evaluate(CONTRASTS)
    assert contrasts
    assert {name: value for name, value in contrasts.items() if value < 4.5} == {}
    context.close()


# WCAG 2.2: the contrast of each text with the nearest background that is not transparent.
CONTRASTS = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (color) => {
    const [r, g, b] = color.slice(0, 3).map((part) => part / 255)
      .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = {};
  for (const one of document.querySelectorAll("body *")) {
    const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !one.checkVisibility() || one.disabled || one.closest("svg, option")) continue;
    let behind = one;
    while (behind && parse(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
    const pair = [light(parse(getComputedStyle(one).color)), light(parse(getComputedStyle(behind ?? document.body).backgroundColor))];
    found[one.tagName + ":" + one.textContent.trim().slice(0, 30)] = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
  }
  return found;
}"""


def test_it_can_be_used_by_keyboard_alone(page, live, files):
    open_page(page, live, files / "scan.png")
    names = []
    for _ in range(30):
        page.keyboard.press("Tab")
        names.append(
            page.evaluate(
                "(e => e.ariaLabel || e.labels?.[0]?.innerText || e.innerText || e.id)"
                "(document.activeElement)"
            ).strip()
        )
    told = json.dumps(names)
    for needed in ("Skip to the content", "Choose another", "Opacity", "upper", "Mask", "Upload"):
        assert needed in told, (needed, names)
