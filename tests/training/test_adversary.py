import pytest
import torch
from monai.data import DataLoader, Dataset
from monai.engines import AdversarialTrainer
from monai.inferers import SimpleInferer
from monai.networks.nets import PatchDiscriminator
from monai.transforms import AsDiscreted, Compose
from monai.utils.enums import AdversarialIterationEvents

from lamina.training.adversary import MaskAdversary, adversarial_step
from lamina.training.gradients import ClipGradients

SIZE = (24, 16)


def small(weight, handlers=(), spatial_dims=2):
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(1)
    network = torch.nn.Conv2d(1, 3, 3, padding=1)
    discriminator = PatchDiscriminator(2, channels=4, in_channels=4, num_layers_d=2)
    data = [
        {
            "image": torch.rand(1, *SIZE, generator=generator),
            "label": torch.randint(0, 3, (1, *SIZE), generator=generator).float(),
        }
        for _ in range(6)
    ]
    adversary = MaskAdversary(num_classes=3, weight=weight)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    trainer = AdversarialTrainer(
        device=torch.device("cpu"),
        max_epochs=1,
        train_data_loader=DataLoader(Dataset(data), batch_size=2),
        g_network=network,
        g_optimizer=optimizer,
        g_loss_function=adversary.generator_loss,
        recon_loss_function=lambda scores, label: torch.nn.functional.cross_entropy(
            scores, label[:, 0].long()
        ),
        d_network=discriminator,
        d_optimizer=torch.optim.Adam(discriminator.parameters(), lr=0.01),
        d_loss_function=adversary.discriminator_loss,
        g_inferer=SimpleInferer(),
        d_inferer=adversary,
        iteration_update=adversarial_step,
        postprocessing=Compose([AsDiscreted("pred", argmax=True)]),
        event_names=[AdversarialIterationEvents],
        train_handlers=[adversary, *(make(optimizer) for make in handlers)],
    )
    return trainer, network, discriminator


class Watch:
    def __init__(self):
        self.seen = []

    def attach(self, engine):
        from ignite.engine import Events

        engine.add_event_handler(Events.ITERATION_COMPLETED, self)

    def __call__(self, engine):
        self.seen.append(engine.state.output)


def test_the_discriminator_sees_image_and_mask_true_and_predicted():
    adversary = MaskAdversary(num_classes=3)
    adversary.image = torch.rand(2, 1, *SIZE)
    scores = torch.randn(2, 3, *SIZE)
    seen = []
    adversary(scores, lambda pair: seen.append(pair) or pair)
    assert torch.equal(seen[0][:, :1], adversary.image)
    torch.testing.assert_close(seen[0][:, 1:].sum(dim=1), torch.ones(2, *SIZE))
    torch.testing.assert_close(seen[0][:, 1:], scores.softmax(dim=1))


def test_of_a_patch_discriminators_layers_the_last_counts():
    adversary = MaskAdversary(num_classes=3)
    adversary.image = torch.rand(2, 1, *SIZE)
    network = PatchDiscriminator(2, channels=4, in_channels=4, num_layers_d=2)
    verdict = adversary(torch.zeros(2, 3, *SIZE), network)
    assert verdict.shape[:2] == (2, 1)


def test_losses_are_those_of_least_squares():
    adversary = MaskAdversary(num_classes=3, weight=0.5)
    fooled, caught = torch.full((2, 1, 4, 4), 1.0), torch.full((2, 1, 4, 4), -1.0)
    assert adversary.generator_loss(fooled) < adversary.generator_loss(caught)
    assert adversary.discriminator_loss(fooled, caught) < adversary.discriminator_loss(
        caught, fooled
    )
    double = MaskAdversary(num_classes=3, weight=1.0)
    torch.testing.assert_close(2 * adversary.generator_loss(caught), double.generator_loss(caught))


def test_both_networks_learn_and_the_output_is_as_in_a_supervised_training():
    watch = Watch()
    trainer, network, discriminator = small(0.1, [lambda _: watch])
    before = [p.clone() for p in (*network.parameters(), *discriminator.parameters())]
    trainer.run()
    after = [*network.parameters(), *discriminator.parameters()]
    moved = [not torch.equal(old, new) for old, new in zip(before, after, strict=True)]
    assert moved[0]
    assert moved[2]
    assert len(watch.seen) == 3
    one = watch.seen[0][0]
    assert one["pred"].shape == one["label"].shape == (1, *SIZE)
    whole = one["reconstruction_loss"] + one["generator_loss"]
    assert one["loss"] == pytest.approx(float(whole))


def test_a_weight_of_nothing_is_a_supervised_training():
    trainer, network, _ = small(0.0)
    start = [p.detach().clone() for p in network.parameters()]
    trainer.run()
    plain = torch.nn.Conv2d(1, 3, 3, padding=1)
    with torch.no_grad():
        for parameter, value in zip(plain.parameters(), start, strict=True):
            parameter.copy_(value)
    optimizer = torch.optim.SGD(plain.parameters(), lr=0.1)
    for batch in trainer.data_loader:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(plain(batch["image"]), batch["label"][:, 0].long())
        loss.backward()
        optimizer.step()
    for ours, theirs in zip(network.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_gradients_are_clipped_here_too():
    trainer, network, _ = small(0.1, [lambda o: ClipGradients(o, max_norm=1e-9)])
    before = [p.detach().clone() for p in network.parameters()]
    trainer.run()
    for old, new in zip(before, network.parameters(), strict=True):
        torch.testing.assert_close(old, new, atol=1e-8, rtol=0)
