import logging

import torch

from lamina.training.ranks import SyncBuffers, is_main, local_device, mean_of_ranks, on_main


def test_one_process_is_the_main_one():
    assert is_main()
    assert mean_of_ranks(0.5) == 0.5


def test_the_main_process_does_what_is_asked():
    done = []
    on_main(done.append, 3)
    assert done == [3]


def test_one_process_keeps_its_buffers():
    network = torch.nn.BatchNorm2d(3)
    network.running_mean += 2
    SyncBuffers(network)(None)
    assert (network.running_mean == 2).all()


def test_each_process_has_its_own_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert local_device() == torch.device("cuda", 3)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert local_device() == torch.device("cpu")


def test_the_log_of_one_process_stays():
    assert logging.getLogger("lamina").level != logging.ERROR
