"""What tests of several rooms share."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def real_data():
    """The folder of real images that is kept beside the project; they are in no repository."""
    folder = Path(os.environ.get("LAMINA_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder} (LAMINA_DATA names another folder)")
    return folder
