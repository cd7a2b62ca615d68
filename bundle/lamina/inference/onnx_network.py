"""A network that runs in ONNX Runtime, in float32."""

import io

import torch

from lamina.inference.padded import Network, padded_batches


def onnx_network(network: torch.nn.Module, example: torch.Tensor) -> Network:
    """Return ``network`` as a function that ONNX Runtime computes, for inputs of one size.

    Parameters
    ----------
    network
        In evaluation mode, on the CPU.
    example
        An input; later ones have at most as many images in the batch.

    Raises
    ------
    ImportError
        If onnxruntime or onnxscript is not installed.
    """
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
