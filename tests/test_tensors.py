import torch

from lamina.tensors import load_checkpoint, save_checkpoint


def test_checkpoints_come_back(tmp_path):
    content = {"network": {"w": torch.arange(3.0)}, "epoch": 4}
    save_checkpoint(tmp_path / "c.pt", content)
    loaded = load_checkpoint(tmp_path / "c.pt")
    assert torch.equal(loaded["network"]["w"], content["network"]["w"])
    assert loaded["epoch"] == 4
