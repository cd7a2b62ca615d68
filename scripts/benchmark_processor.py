"""The processor: how much of its speed a network reaches."""

import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from benchmark_inputs import unet
from benchmark_runs import Plan, Result


def processor(plan: Plan) -> Result:
    """Case 6: the network's floating-point operations in a second, and those of one convolution."""
    from torch.utils.flop_counter import FlopCounterMode

    from lamina.inference.backends import bf16_network

    window = torch.rand(1, 1, 96, 96, 96)
    with torch.no_grad():
        network = unet(3, 2).eval()
        with FlopCounterMode(display=False) as counter:
            network(window)
        fast = bf16_network(network, window)
        conv = torch.nn.Conv3d(128, 128, 3, padding=1).to(torch.bfloat16)
        conv = conv.to(memory_format=torch.channels_last_3d)
        large = torch.rand(1, 128, 64, 64, 64).to(
            torch.bfloat16, memory_format=torch.channels_last_3d
        )
        seconds = {"network": [], "convolution": []}
        for _ in range(10):
            seconds["network"].append(_seconds(lambda: fast(window)))
            seconds["convolution"].append(_seconds(lambda: conv(large)))
    flops = {"network": counter.get_total_flops(), "convolution": 2 * 128 * 128 * 27 * 64**3}
    rates = {k: round(flops[k] / statistics.median(v[2:]) / 1e9) for k, v in seconds.items()}
    return {"gflops_per_second": rates, "share": round(rates["network"] / rates["convolution"], 3)}


def _seconds(call: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def machine() -> Result:
    """Return what the figures were measured on."""
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if cpu.is_file() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "bf16_units": torch.cpu.get_capabilities().get("amx_bf16", False),
        "threads": torch.get_num_threads(),
        "load_average": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "system": platform.platform(),
        "date": time.strftime("%Y-%m-%d"),
    }
