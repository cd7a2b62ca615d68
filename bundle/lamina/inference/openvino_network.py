"""A network that runs in OpenVINO, in float32."""

import sys
from typing import Any

import torch

from lamina.console import keep_streams_open
from lamina.inference.padded import Network, padded_batches


def import_openvino() -> Any:
    """Import OpenVINO, which would tell its maker of it where ``openvino_telemetry`` is found.

    Raises
    ------
    ImportError
        If OpenVINO is not installed.
    """
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    import openvino

    keep_streams_open()
    return openvino


def openvino_network(network: torch.nn.Module, example: torch.Tensor) -> Network:
    """Return ``network`` as a function that OpenVINO computes, for inputs of one size.

    Parameters
    ----------
    network
        In evaluation mode, on the CPU.
    example
        An input; later ones have at most as many images in the batch.

    Raises
    ------
    ImportError
        If OpenVINO is not installed.
    """
    openvino = import_openvino()
    model = openvino.convert_model(network, example_input=example, input=[tuple(example.shape)])
    # By itself OpenVINO takes bfloat16 where the processor has units for it.
    settings = {
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
    }
    compiled = openvino.Core().compile_model(model, "CPU", settings)
    return padded_batches(lambda images: compiled(images.numpy())[0], len(example))
