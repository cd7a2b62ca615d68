"""A tiny layer task with random weights, pictures and volumes for it, and a server in memory."""

import contextlib
import io
import json
import shutil
import socket
import threading

import nibabel as nib
import numpy as np
import pytest
import torch
import uvicorn
from fastapi.testclient import TestClient
from monai.networks.nets import UNet
from PIL import Image
from playwright import sync_api

from lamina.tasks.catalogue import CHECKOUT
from lamina.web.app import create_app
from lamina.web.settings import Settings

NETWORK = {"in_channels": 1, "out_channels": 4, "channels": [4, 8], "strides": [2]}
COLOURS = [[0, 0, 0], [230, 159, 0], [86, 180, 233], [0, 158, 115]]
URL = "http://127.0.0.1:5000"


def write_task(folder, **changes):
    task = json.loads((CHECKOUT / "configs" / "tasks" / "oct_phantom.json").read_text())
    names = ["background", "upper", "middle", "lower"]
    task["labels"] = [
        {"value": value, "name": name, "color": COLOURS[value]} for value, name in enumerate(names)
    ]
    task |= {"name": "tiny", "title": "Three made-up layers", "phantoms": None, "strides": None}
    task["network_def"] = {"_target_": "UNet", "spatial_dims": "@spatial_dims"} | NETWORK
    task["patch_size"] = task["window_size"] = {"2": [32, 64], "3": [32, 64, 8]}
    path = folder / "tiny.json"
    path.write_text(json.dumps(task | changes))
    return path


def make_weights(path, seed=1, **changes):
    torch.manual_seed(seed)
    torch.save(UNet(spatial_dims=2, **(NETWORK | changes)).state_dict(), path)
    return path


@pytest.fixture(scope="session", autouse=True)
def _servers_end_their_threads():
    """Fail where a server's workers outlive the last server of the process."""
    yield
    workers = [one for one in threading.enumerate() if one.name.startswith("lamina-")]
    for one in workers:
        one.join(timeout=10)
    assert not [one.name for one in workers if one.is_alive()]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """The task's file, and two files of weights that fit."""
    folder = tmp_path_factory.mktemp("tiny")
    first, second = (make_weights(folder / f"model{seed}.pth", seed) for seed in (1, 2))
    return write_task(folder), first, second


@pytest.fixture(scope="session")
def settings(tiny, tmp_path_factory):
    task, weights, _ = tiny
    empty = str(tmp_path_factory.mktemp("run"))
    return Settings(task=str(task), weights=str(weights), run_dir=empty)


@pytest.fixture(scope="session")
def open_client():
    """Opener of a server in memory, as a context manager."""

    def open_client(settings, base_url=URL, **options):
        return TestClient(create_app(settings), base_url=base_url, **options)

    return open_client


@pytest.fixture(scope="session")
def client(settings, open_client):
    with open_client(settings) as client:
        yield client


def stripes(columns, rows):
    x, y = np.meshgrid(np.arange(columns), np.arange(rows), indexing="ij")
    return (110 + 90 * np.sin(y / 7 + x / 31) + x % 5).astype(np.uint8)


@pytest.fixture(scope="session")
def picture():
    """A PNG of 96 columns and 70 rows."""
    file = io.BytesIO()
    Image.fromarray(stripes(96, 70).T).save(file, "png")
    return file.getvalue()


@pytest.fixture(scope="session")
def volume(tmp_path_factory):
    """A NIfTI volume of another size and spacing along each axis, flipped and sheared."""
    values = np.stack([stripes(40, 66) + shift for shift in range(7)], axis=-1)
    affine = np.array([[-0.5, 0, 0, 3], [0, 0, 2, 1], [0, -0.25, 0.1, 9], [0, 0, 0, 1.0]])
    path = tmp_path_factory.mktemp("volume") / "scan.nii.gz"
    nib.save(nib.Nifti1Image(values, affine), path)
    return path


@pytest.fixture(scope="session")
def wait_for():
    """Waiter for a job, which returns what is told of it at the end."""

    def wait_for(client, key):
        for _ in range(100_000):
            told = client.get(f"/jobs/{key}").json()
            if told["state"] in ("done", "failed"):
                return told
        raise AssertionError(told)

    return wait_for


@contextlib.contextmanager
def running(settings):
    """Run a server on a free port; yield its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    app = create_app(settings)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def live(settings):
    with running(settings) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    """Debian's chromium; it ends with the module, since its event loop fills the thread."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no chromium: scripts/install_system_packages.sh installs it")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    """A new page; what goes wrong in its scripts fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(120_000)
    page, wrong = context.new_page(), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    context.close()
    assert wrong == []


@pytest.fixture(scope="session")
def canvas_pixels():
    """Reader of a canvas as (rows, columns, 4)."""

    def canvas_pixels(page, selector):
        width, height, pixels = page.eval_on_selector(
            selector,
            "c => [c.width, c.height, "
            "Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data)]",
        )
        return np.array(pixels, np.uint8).reshape(height, width, 4)

    return canvas_pixels
