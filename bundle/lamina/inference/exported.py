"""A network computed by OpenVINO or ONNX Runtime, in float32."""

import io
import sys
from collections.abc import Callable
from typing import Any

import torch

from lamina.console import keep_streams_open

Network = Callable[[torch.Tensor], torch.Tensor]


def padded_batches(run: Callable[[torch.Tensor], object], batch: int) -> Network:
    """Return a function that also takes smaller batches than the one size that ``run`` takes.

    >>> padded_batches(lambda images: (images + 1).numpy(), 3)(torch.zeros(2, 1)).tolist()
    [[1.0], [1.0]]
    """

    def padded(images: torch.Tensor) -> torch.Tensor:
        missing = batch - len(images)
        whole = torch.cat([images, images[:1].expand(missing, *images.shape[1:])])
        return torch.as_tensor(run(whole.contiguous()))[: len(images)]

    return padded


def import_openvino() -> Any:
    """Import OpenVINO without its telemetry, which reports each import.

    Raises ImportError if OpenVINO is not installed.
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
    # By default OpenVINO takes bfloat16 where the processor has units for it.
    settings = {
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
    }
    compiled = openvino.Core().compile_model(model, "CPU", settings)
    return padded_batches(lambda images: compiled(images.numpy())[0], len(example))


def onnx_network(network: torch.nn.Module, example: torch.Tensor) -> Network:
    """Return ``network`` as a function of ONNX Runtime; otherwise as `openvino_network`."""
    import onnxruntime

    file = io.BytesIO()
    program = torch.onnx.export(network, (example,), dynamo=True, verbose=False)
    program.save(file)  # type: ignore[union-attr, arg-type]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(
        file.getvalue(), options, providers=["CPUExecutionProvider"]
    )
    name = session.get_inputs()[0].name
    return padded_batches(lambda images: session.run(None, {name: images.numpy()})[0], len(example))
