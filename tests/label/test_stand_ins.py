import sys

import pytest

from lamina.label.stand_ins import stand_ins


def test_they_are_there_for_imports_and_gone_afterwards(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydicom_seg", None)
    monkeypatch.delitem(sys.modules, "pydicom_seg")
    with stand_ins():
        from torchvision.utils import make_grid

        assert "pydicom_seg" in sys.modules
    assert "pydicom_seg" not in sys.modules or hasattr(sys.modules["pydicom_seg"], "__file__")
    with pytest.raises(ImportError, match="not installed"):
        make_grid([])


def test_what_does_import_is_left_alone(monkeypatch):
    real = sys.modules["sys"]
    monkeypatch.setitem(sys.modules, "pydicom_seg", real)
    with stand_ins():
        assert sys.modules["pydicom_seg"] is real
    assert sys.modules["pydicom_seg"] is real
