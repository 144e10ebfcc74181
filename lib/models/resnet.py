"""Residual networks for CIFAR, with 20, 32, 44 or 56 layers, and the trained weights that were published for them.

The network of *Complexity for deep neural networks*, section 6: a convolution, then three blocks of residual cells with
16, 32 and 64 channels on 32 x 32, 16 x 16 and 8 x 8 pixels, the mean over pixels, a linear output. In a cell the second
ReLU comes after the summation, and shortcuts between blocks skip every other pixel and fill channels up with zeros
(option A of He et al. 2016, section 4.2).
"""

from __future__ import annotations

import hashlib

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from lib.data._folders import named_folders

DEPTHS = (20, 32, 44, 56)
"""Depths whose trained weights were published with the code that the text used (Idelbayev 2018)."""

SUMS = {
    20: "bb7e61c258999630df5b6fc9bf4e6cba1f6cc694ed0749a0719082a2e8022cde",
    32: "60a5baf76d164c2be6825be5f3712da960e8c46431fdd06de04b70d178c1fc53",
    44: "ba1e7c29c4f69610bc97ea5e4d55b13d684b193eedde25750fce489d1e4c8147",
    56: "fad676852372abc35cddd449d453a2590c5377523f582da7db45243c6920b95d",
}
"""What `checksum` gives for these weights, by depth.

:meta hide-value:
"""

PIXEL_MEAN, PIXEL_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""What the published networks subtract from pixels between 0 and 1, and divide them by: ImageNet's, not CIFAR's."""

_CHANNELS = (16, 32, 64)  # of the three blocks


class Cell(nn.Module):
    """A residual cell: two convolutions beside a shortcut; ``relu`` comes after the summation."""

    def __init__(self, inputs: int, channels: int, stride: int) -> None:
        super().__init__()
        self.stride, self.added = stride, channels - inputs
        self.conv1 = nn.Conv2d(inputs, channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Return the cell's output, shape (sample, channel, row, column)."""
        shortcut = x
        if self.added:
            kept = x[:, :, :: self.stride, :: self.stride]
            shortcut = nn.functional.pad(kept, (0, 0, 0, 0, self.added // 2, self.added // 2))
        return self.relu(shortcut + self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x))))))


class ResNet(nn.Module):
    """A residual network for images of 3 x 32 x 32.

    Parameters
    ----------
    depth
        Number of layers with weights, 6 n + 2 for n cells a block.
    classes
        Number of outputs.

    Raises
    ------
    ValueError
        If no number of cells gives that depth.

    Notes
    -----
    Convolutions and the output start Kaiming-normal, as in the code that the text used.

    Examples
    --------
    >>> sum(parameter.numel() for parameter in ResNet(56).parameters())
    853018
    >>> ResNet(20)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(self, depth: int = 56, classes: int = 10) -> None:
        super().__init__()
        cells, rest = divmod(depth - 2, 6)
        if cells < 1 or rest:
            raise ValueError(f"No CIFAR ResNet has {depth} layers: use 6 n + 2, such as 20 or 56.")
        self.conv1 = nn.Conv2d(3, _CHANNELS[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(_CHANNELS[0])
        self.relu = nn.ReLU()
        low, middle, high = _CHANNELS
        self.layer1 = _block(cells, low, low, stride=1)
        self.layer2 = _block(cells, low, middle, stride=2)
        self.layer3 = _block(cells, middle, high, stride=2)
        self.linear = nn.Linear(high, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return scores, shape (sample, class), of images scaled by :func:`scaled`."""
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        scores: Tensor = self.linear(x.mean((2, 3)))
        return scores


def _block(cells: int, inputs: int, channels: int, stride: int) -> nn.Sequential:
    rest = [Cell(channels, channels, stride=1) for _ in range(cells - 1)]
    return nn.Sequential(Cell(inputs, channels, stride), *rest)


def untrained(depth: int, seed: int, classes: int = 10) -> ResNet:
    """Return a network with the initial weights of that seed, in evaluation mode.

    Examples
    --------
    >>> torch.equal(untrained(20, seed=0).conv1.weight, untrained(20, seed=0).conv1.weight)
    True
    """
    with torch.random.fork_rng(devices=[]):  # torch's own initialisers draw from its global generator
        torch.manual_seed(seed)
        return ResNet(depth, classes).eval()


def scaled(images: Tensor) -> Tensor:
    """Return images as the published networks expect them.

    Parameters
    ----------
    images
        Pixels, uint8, shape (sample, 3, row, column).

    Raises
    ------
    ValueError
        If they are of another type: 1.0 would mean white to some and next to black here.

    Examples
    --------
    >>> scaled(torch.zeros(1, 3, 1, 1, dtype=torch.uint8)).flatten().round(decimals=2)
    tensor([-2.1200, -2.0400, -1.8000])
    """
    if images.dtype != torch.uint8:
        raise ValueError(f"Pixels must be uint8, from 0 to 255, not {images.dtype}: give x_train or x_test as it is.")
    shape = (1, 3, 1, 1)
    mean, deviation = (
        images.new_tensor(values, dtype=torch.float32).view(shape) for values in (PIXEL_MEAN, PIXEL_DEVIATION)
    )
    return (images.float() / 255 - mean) / deviation


def checksum(network: nn.Module) -> str:
    """Return the sha256 of a network's weights, statistics of its normalisations included, whatever file they are from.

    Examples
    --------
    >>> checksum(untrained(20, seed=0)) == checksum(untrained(20, seed=1))
    False
    """
    total = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        if value.is_floating_point():  # counts of batches tell nothing, and some converters leave them out
            total.update(name.encode())
            total.update(value.detach().cpu().numpy().astype("<f4").tobytes())
    return total.hexdigest()


def published(depth: int) -> ResNet:
    """Return the network of that depth with its published weights for CIFAR-10, in evaluation mode.

    The weights are read from ``resnet{depth}.safetensors``, in a folder of ``$BOOK_DATA`` or in its folder
    ``resnet_cifar10``.

    Raises
    ------
    ValueError
        If no network of that depth was published.
    FileNotFoundError
        If there is no such file, or no such folder; the message says where it was looked for.
    OSError
        If the file is damaged, or holds another network or other weights than those published.
    """
    if depth not in DEPTHS:
        raise ValueError(f"No trained ResNet-{depth} was published: choose one of {', '.join(map(str, DEPTHS))}.")
    folders = list(named_folders())
    paths = [folder / part / f"resnet{depth}.safetensors" for folder in folders for part in ("", "resnet_cifar10")]
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        raise FileNotFoundError(
            f"There are no trained weights of ResNet-{depth}: put resnet{depth}.safetensors into a folder of BOOK_DATA "
            f"(looked in {', '.join(map(str, folders)) or 'no folder, for BOOK_DATA is not set'})."
        )
    network = ResNet(depth)
    try:
        network.load_state_dict(load_file(path))
    except Exception as error:  # besides its own: what Python raises of names and shapes that cannot be
        raise OSError(f"{path} does not hold the weights of a ResNet-{depth}; fetch it anew.") from error
    if checksum(network) != SUMS[depth]:
        raise OSError(
            f"{path} does not hold the published weights of ResNet-{depth}, but others: fetch it anew, or load weights "
            "of your own by lib.checkpoints.load_weights."
        )
    return network.eval()
