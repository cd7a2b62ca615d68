"""The page of results, in a real browser."""

from dataclasses import replace

import pytest

from lamina.files import write_json

from .conftest import running

expect = pytest.importorskip("playwright.sync_api").expect
expect.set_options(timeout=120_000)


@pytest.fixture(scope="module")
def results(tmp_path_factory, picture):
    """An output folder of 30 cases, of which one failed and one was warned about; and a report."""
    folder = tmp_path_factory.mktemp("run")
    cases = []
    for number in range(30):
        name = f"case_{number:02}"
        done = number != 3
        path = folder / "out" / "overlays" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture)
        cases.append(
            {
                "case": name,
                "status": "done" if done else "failed",
                "reason": None if done else "it is <b>broken</b>",
                "warnings": ["a gap"] if number == 7 else [],
                "outputs": [f"overlays/{name}.png"] if done else [],
                "measurements": [{"structure": "upper", "voxels": number, "area_px2": number}],
            }
        )
    write_json(folder / "out" / "manifest.json", {"about": {"task": "tiny"}, "cases": cases})
    (folder / "evaluation").mkdir()
    script = "<script>parent.document.title = 'stolen'</script>"
    (folder / "evaluation" / "report.html").write_text(f"<h1>All is well</h1>{script}")
    return folder


@pytest.fixture(scope="module")
def live(settings, results):
    with running(replace(settings, results_dir=results)) as address:
        yield address


@pytest.fixture
def opened(page, live):
    page.goto(f"{live}/results")
    expect(page.locator("#content[aria-busy=false]")).to_be_visible()
    page.select_option(
        "#folder", label=page.locator("#folder option", has_text="predictions").inner_text()
    )
    expect(page.locator("#count")).to_have_text("30 of 30 cases, 1 failed")
    return page


def test_cases_come_page_by_page(opened):
    tiles = opened.locator("#cases li")
    expect(tiles).to_have_count(24)
    expect(opened.locator("#page")).to_have_text("page 1 of 2")
    opened.locator("#next").click()
    expect(tiles).to_have_count(6)
    expect(tiles.first).to_contain_text("case_24")
    opened.locator("#previous").click()
    expect(tiles.first).to_contain_text("case_00")
    assert (
        opened.locator("#cases img").first.evaluate("i => i.decode().then(() => i.naturalWidth)")
        == 96
    )


def test_one_case_is_looked_at_and_the_next_by_key(opened):
    opened.get_by_role("button", name="case_02").click()
    expect(opened.locator("#detail-title")).to_have_text("case_02")
    expect(opened.locator("#table")).to_contain_text("upper")
    opened.keyboard.press("ArrowRight")
    expect(opened.locator("#detail-title")).to_have_text("case_03")
    expect(opened.locator("#reason")).to_have_text("it is <b>broken</b>")
    expect(opened.locator("#picture")).to_be_hidden()
    opened.keyboard.press("Escape")
    expect(opened.locator("#detail")).to_be_hidden()


@pytest.mark.parametrize(("which", "name"), [("failed", "case_03"), ("warned", "case_07")])
def test_only_some_cases_are_shown(opened, which, name):
    opened.select_option("#which", which)
    expect(opened.locator("#cases li")).to_have_count(1)
    expect(opened.locator("#cases")).to_contain_text(name)


def test_a_report_is_shown_and_can_not_act(opened):
    label = opened.locator("#folder option", has_text="report").inner_text()
    opened.select_option("#folder", label=label)
    expect(opened.frame_locator("#frame").get_by_text("All is well")).to_be_visible()
    assert opened.title() == "Lamina: results"


def test_without_results_the_page_says_how_to_make_some(page, settings, tmp_path):
    with running(replace(settings, results_dir=tmp_path)) as address:
        page.goto(f"{address}/results")
        expect(page.locator("#empty")).to_contain_text("lamina predict")


@pytest.mark.parametrize("width", [360, 1280, 2560])
def test_nothing_sticks_out(opened, width):
    opened.set_viewport_size({"width": width, "height": 900})
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
