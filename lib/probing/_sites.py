"""Where in a model activations are taken: its rectifiers in the order of their use, or modules that are named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

RECTIFIERS = (
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.PReLU,
    nn.ELU,
    nn.CELU,
    nn.SELU,
    nn.GELU,
    nn.SiLU,
    nn.Mish,
    nn.Hardswish,
)
"""Activation modules that shut a unit below 0, or nearly, and pass on what is above: it is on from 0 on, as a ReLU."""


@dataclass(frozen=True)
class Site:
    """One use of an activation module in a forward pass."""

    name: str  #: of the layer: the module's, with the number of the call where it is ambiguous
    module: str  #: name of the module
    call: int  #: which call of the module in one pass, from 0 on


def activation_sites(model: nn.Module, example: Tensor) -> list[Site]:
    """Return a model's rectifiers in the order of their use; in residual cells those after the summation.

    Rectifiers are modules of the types in :data:`RECTIFIERS`. A cell is a module that holds some and calls one of them
    on the sum of two tensors.

    Parameters
    ----------
    model
        Any module.
    example
        Inputs to run it on; one is enough.

    Raises
    ------
    ValueError
        If the model uses none of these modules.

    Examples
    --------
    >>> from lib.models.resnet import ResNet
    >>> sites = activation_sites(ResNet(20), torch.zeros(1, 3, 32, 32))
    >>> len(sites), sites[0].name, sites[1].name
    (10, 'relu', 'layer1.0.relu')
    """
    used: list[tuple[str, int, bool]] = []
    calls: dict[str, int] = {}
    handles = []

    def note(name: str) -> None:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            number = calls.get(name, 0)
            calls[name] = number + 1
            made_by = inputs[0].grad_fn
            used.append((name, number, made_by is not None and type(made_by).__name__.startswith("AddBackward")))

        handles.append(model.get_submodule(name).register_forward_pre_hook(hook))

    try:
        for name, module in model.named_modules():
            if isinstance(module, RECTIFIERS):
                note(name)
        one = example[:1].detach().clone()
        with evaluation(model), torch.enable_grad():
            model(one.requires_grad_() if one.is_floating_point() else one)
    finally:
        for handle in handles:
            handle.remove()
    if not used:
        raise ValueError(
            "The model uses no nn.ReLU, nn.GELU or other rectifier that is a module: name other activation modules in "
            "layers, and where it calls functions, such as F.relu, which cannot be read, put modules in their place."
        )
    cells = {name.rpartition(".")[0] for name, _, summed in used if summed}
    kept = [(name, number) for name, number, summed in used if summed or name.rpartition(".")[0] not in cells]
    names = [name for name, _ in kept]
    return [Site(name if names.count(name) == 1 else f"{name}[{n}]", name, n) for name, n in kept]


def named_sites(model: nn.Module, layers: Sequence[str]) -> list[Site]:
    known = dict(model.named_modules())
    sites = []
    for layer in layers:
        name, _, call = layer.partition("[")
        if name not in known or (call and not call.rstrip("]").isdigit()):
            some = ", ".join(list(known)[1:9])
            raise ValueError(f"The model has no module {layer!r}: name modules such as {some}.")
        sites.append(Site(layer, name, int(call.rstrip("]")) if call else 0))
    if not sites:
        raise ValueError("No layers are named: leave layers out for every rectifier, or name at least one module.")
    return sites


@contextmanager
def evaluation(model: nn.Module) -> Iterator[None]:
    """Switch to evaluation mode, and every module back to its own mode in the end."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
