"""Training with several processes: one GPU each, on one machine or several."""

import logging
import os
from collections.abc import Callable
from typing import Any

import ignite.distributed as idist
import torch
import torch.distributed as dist
from ignite.engine import Engine, Events


def join_group(device: torch.device) -> None:
    """Join the processes that ``torchrun`` started; all but the first keep silent.

    NCCL is used on CUDA, gloo on CPUs.
    """
    if device.type == "cuda":
        torch.cuda.set_device(device)
    if not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    if not is_main():
        logging.getLogger("lamina").setLevel(logging.ERROR)


def leave_group() -> None:
    """Leave the group at the end of a run."""
    if dist.is_initialized():
        dist.destroy_process_group()


def local_device() -> torch.device:
    """Return the GPU that is this process's own on its machine, or the CPU.

    >>> local_device().type in ("cpu", "cuda")
    True
    """
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


def is_main() -> bool:
    """Say whether this process is the one that writes and talks.

    >>> is_main()
    True
    """
    return idist.get_rank() == 0


def on_main(do: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Let the first process do something while the others wait for it.

    >>> on_main(print, "once")
    once
    """
    if is_main():
        do(*args, **kwargs)
    if idist.get_world_size() > 1:
        dist.barrier()


def mean_of_ranks(value: float) -> float:
    """Return the mean of a number over all processes.

    >>> mean_of_ranks(0.25)
    0.25
    """
    if idist.get_world_size() == 1:
        return value
    return float(idist.all_reduce(value)) / idist.get_world_size()


class SyncBuffers:
    """Give all processes the first one's running statistics as each epoch ends.

    DistributedDataParallel does so before each step, but not after the last: validation and the
    checkpoint would see different batch norms.

    Parameters
    ----------
    network
        The network, wrapped or not.
    """

    def __init__(self, network: torch.nn.Module) -> None:
        self.network = network

    def attach(self, engine: Engine) -> None:
        """Register with the trainer, before the validation handler."""
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Send the buffers."""
        if idist.get_world_size() > 1:
            for buffer in self.network.buffers():
                dist.broadcast(buffer, src=0)
