import html
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from PIL import Image

from lamina.evaluation.report import write_report
from lamina.evaluation.summary import CaseScores, summarise
from lamina.metrics.catalogue import METRICS
from lamina.metrics.measure import StructureScores
from lamina.metrics.statistics import Bootstrap
from lamina.tasks.labels import Label

EVIL = "<script>alert('x')</script>&\"'"
LABELS = [
    Label(0, "background", (0, 0, 0)),
    Label(1, "lung", (255, 0, 0)),
    Label(2, EVIL, (0, 0, 255)),
]
VOID = {"meta", "img"}


class Checker(HTMLParser):
    """Collects tags, and fails where one is closed that is not open."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.addresses = [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def png(size=(12, 8)):
    buffer = io.BytesIO()
    Image.new("L", size, 90).save(buffer, "PNG")
    return buffer.getvalue()


def record(name, dice, status="present"):
    metrics = {
        "dice": dice,
        "hausdorff_distance_95": 3.0,
        "volume_truth": 100.0,
        "volume_prediction": 90.0 + 10 * dice,
    }
    scores = StructureScores(status, metrics)
    return CaseScores(name, "mm", 3, {"lung": scores, EVIL: scores})


def summary_of(*dice, **more):
    records = [record(f"case {index}", value) for index, value in enumerate(dice)]
    return summarise(records, LABELS, bootstrap=Bootstrap(resamples=20), **more)


def report(tmp_path, summary, pictures=None, **more):
    path = tmp_path / "report.html"
    write_report(path, summary, pictures or {}, title="Lungs", labels=LABELS, **more)
    page = path.read_text(encoding="utf-8")
    checker = Checker()
    checker.feed(page)
    assert checker.open == []
    return page, checker


def test_one_file_that_needs_nothing_else(tmp_path):
    panels = {title: png() for title in ("image", "reference", "prediction", "difference")}
    pictures = {f"case {index}": {"": panels} for index in range(3)}
    page, checker = report(tmp_path, summary_of(0.2, 0.9, 0.5), pictures)
    assert all(re.match("(data:image/png;base64,|#)", address) for address in checker.addresses)
    assert not re.search(r"@import|url\(|https?://", page)
    assert "script" not in checker.tags
    assert "link" not in checker.tags
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_names_of_others_are_text_and_nothing_more(tmp_path):
    summary = summary_of(0.5, 0.6, failures={EVIL: EVIL}, information={EVIL: {EVIL: EVIL}})
    page, checker = report(tmp_path, summary, {"case 0": {EVIL: {EVIL: png()}}}, caption=EVIL)
    assert "<script>" not in page
    assert "script" not in checker.tags
    assert page.count("&lt;script&gt;") > 8


def test_best_median_and_worst_come_first_and_then_all_worst_first(tmp_path):
    pictures = {f"case {index}": {"": {"image": png()}} for index in range(5)}
    page, _ = report(tmp_path, summary_of(0.5, 0.9, 0.1, 0.7, 0.6), pictures)
    examples = re.findall(r"<h3>(\w+): (case \d)", page)
    assert examples == [("Best", "case 1"), ("Median", "case 4"), ("Worst", "case 2")]
    listed = re.findall(r"<summary><strong>(case \d)</strong>", page)
    assert listed == ["case 2", "case 0", "case 4", "case 3", "case 1"]
    assert page.count("data:image/png") == 3 + 5


def test_examples_show_all_views_and_the_list_the_first(tmp_path):
    views = {"axial": {"image": png()}, "coronal": {"image": png((30, 9))}}
    pictures = {f"case {index}": views for index in range(5)}
    page, _ = report(tmp_path, summary_of(0.5, 0.9, 0.1, 0.7, 0.6), pictures)
    assert page.count("data:image/png") == 3 * 2 + 5
    assert page.count("<h4>Coronal</h4>") == 3
    assert page.count("<h4>Axial</h4>") == 3 + 5
    assert page.count('class="panels wide"') == 3
    assert 'alt="image of case 0, axial"' in page
    assert "Of a volume only the first slice is shown here." in page
    flat = {"case 0": {"": {"image": png()}}}
    page, _ = report(tmp_path, summary_of(0.5), flat)
    assert "<h4>" not in page
    assert "only the first slice" not in page


def test_pictures_may_lie_on_disk(tmp_path):
    file = tmp_path / "kept.png"
    file.write_bytes(png())
    summary = summary_of(0.5, 0.6)
    from_file, _ = report(tmp_path, summary, {"case 0": {"": {"image": file}}})
    from_bytes, _ = report(tmp_path, summary, {"case 0": {"": {"image": png()}}})
    assert from_file == from_bytes


@pytest.mark.parametrize(("size", "wide"), [((30, 10), True), ((12, 10), False), ((5, 10), False)])
def test_wide_panels_are_laid_out_in_twos(tmp_path, size, wide):
    page, _ = report(tmp_path, summary_of(0.5), {"case 0": {"": {"image": png(size)}}})
    assert ('class="panels wide"' in page) == wide


def test_every_metric_is_explained(tmp_path):
    page, _ = report(tmp_path, summary_of(0.5, 0.6))
    for name in ("dice", "hausdorff_distance_95"):
        assert METRICS[name].meaning in html.unescape(page)


def test_numbers_of_each_case_and_each_class(tmp_path):
    page, _ = report(tmp_path, summary_of(0.123, 0.789))
    for text in ("0.123", "0.789", "0.456", "2 present", "0 missed", "Hausdorff 95 (mm)"):
        assert text in page


def test_charts_for_what_was_measured(tmp_path):
    page, checker = report(tmp_path, summary_of(0.5, 0.6))
    assert checker.tags.count("svg") == 2 + 2
    assert "Agreement of sizes" in page
    assert "<h2>Training</h2>" not in page


def test_curves_of_the_training(tmp_path):
    curves = [{"epoch": 1, "loss": 1.0}, {"epoch": 2, "loss": 0.5}]
    page, _ = report(tmp_path, summary_of(0.5, 0.6), curves=curves)
    assert "<h2>Training</h2>" in page
    assert "<h3>loss</h3>" in page


def test_information_of_every_shape(tmp_path):
    information = {"Data": {"cases": 3, "folders": ["a", "b"], "none": None}, "Remark": "by hand"}
    page, _ = report(tmp_path, summary_of(0.5, information=information))
    for text in ("<h2>Data</h2>", "<dd>3</dd>", "<h2>Remark</h2>", "by hand"):
        assert text in page


def test_failures_are_shown_before_the_results(tmp_path):
    page, _ = report(tmp_path, summary_of(0.5, failures={"broken": "truncated file"}))
    assert page.index("truncated file") < page.index("Results by structure")
    assert "1 more case could not be measured" in page


def test_a_case_without_any_structure_is_listed_without_number(tmp_path):
    nothing = record("empty", 0.0, "absent")
    for scores in nothing.structures.values():
        scores.metrics.update(dict.fromkeys(scores.metrics, float("nan")))
    summary = summarise([nothing, record("full", 0.5)], LABELS, bootstrap=Bootstrap(resamples=20))
    page, _ = report(tmp_path, summary)
    assert re.findall(r"<summary><strong>(\w+)</strong>", page) == ["full", "empty"]
    assert "Dice –" in page


def test_pixels_are_said_to_be_pixels(tmp_path):
    records = [replace(record("a", 0.5), spacing_unit="px", spatial_dims=2)]
    page, _ = report(tmp_path, summarise(records, LABELS))
    assert "distances are in pixels (px)" in page
    assert "distances are in pixels" not in report(tmp_path, summary_of(0.5))[0]


def test_a_page_that_fails_leaves_the_old_one(tmp_path):
    old, _ = report(tmp_path, summary_of(0.5))
    with pytest.raises(FileNotFoundError):
        report(tmp_path, summary_of(0.6), {"case 0": {"": {"image": tmp_path / "gone.png"}}})
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == old
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
