import torch

from lamina.training.augment import PrepareAugmentedBatch
from lamina.transforms.augment_batches import RandAffineBatchd


def test_image_and_label_go_through_the_augmentation_without_gradients():
    image = torch.rand(2, 1, 6, 5, requires_grad=True)
    prepare = PrepareAugmentedBatch(RandAffineBatchd(flip_axes=[0]))
    moved, label = prepare({"image": image, "label": torch.ones(2, 1, 6, 5), "case": ["a", "b"]})
    assert not moved.requires_grad
    assert moved.shape == image.shape
    assert label.shape == (2, 1, 6, 5)


def test_moves_to_the_device_and_type_that_the_engine_asks_for():
    batch = {"image": torch.ones(1, 1, 2, 2), "label": torch.ones(1, 1, 2, 2)}
    image, _ = PrepareAugmentedBatch(dict)(batch, device="cpu", dtype=torch.float64)
    assert image.dtype == torch.float64
