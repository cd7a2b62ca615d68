"""Batch norms that become part of the convolutions before them."""

import copy
import logging

import torch
from torch.fx import GraphModule, Node, symbolic_trace
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.utils.fusion import fuse_conv_bn_eval

logger = logging.getLogger("lamina")


def fold_norms(network: torch.nn.Module) -> torch.nn.Module:
    """Return a copy of a trained network whose batch norms are part of its convolutions.

    What it computes is the same; a network that torch.fx can't follow is copied as it is.

    Parameters
    ----------
    network
        In evaluation mode.

    Examples
    --------
    >>> network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2)).eval()
    >>> [type(module).__name__ for module in fold_norms(network).children()]
    ['Conv2d', 'Identity']
    """
    network = copy.deepcopy(network)
    try:
        traced = symbolic_trace(network)
    except Exception as reason:  # noqa: BLE001 - the errors of tracing have no common type
        logger.debug("norms are not folded, torch.fx can't follow the network: %s", reason)
        return network
    modules = dict(traced.named_modules())
    for node in list(traced.graph.nodes):
        before = node.args[0] if node.op == "call_module" and node.args else None
        if isinstance(before, Node) and _foldable(node, before, modules):
            _fold(traced, str(before.target), str(node.target), modules)
    return traced


def _foldable(node: Node, before: Node, modules: dict[str, torch.nn.Module]) -> bool:
    """Say whether ``node`` is a norm of a convolution's output that nothing else uses."""
    if before.op != "call_module" or len(before.users) != 1:
        return False
    norm, conv = modules[str(node.target)], modules[str(before.target)]
    uses = [other.target for other in node.graph.nodes if other.op == "call_module"]
    return (
        isinstance(norm, _BatchNorm)
        and norm.track_running_stats
        and isinstance(conv, _ConvNd)
        and uses.count(node.target) == uses.count(before.target) == 1
    )


def _fold(
    traced: GraphModule, conv_name: str, norm_name: str, modules: dict[str, torch.nn.Module]
) -> None:
    conv, norm = modules[conv_name], modules[norm_name]
    turned = isinstance(conv, _ConvTransposeNd)
    modules[conv_name] = fuse_conv_bn_eval(conv, norm, transpose=turned)  # type: ignore[arg-type, type-var]
    traced.set_submodule(conv_name, modules[conv_name])
    traced.set_submodule(norm_name, torch.nn.Identity())
