"""Data: image sets, two-class tasks made from them, and the order in which training visits them."""

from lib.data.images import NAMES, ImageSet, cache_folder, load
from lib.data.order import Stream, batches, epoch_order, epoch_orders, generator_of, permutation
from lib.data.tasks import one_vs_rest, pair, shuffled_labels

__all__ = [
    "NAMES",
    "ImageSet",
    "Stream",
    "batches",
    "cache_folder",
    "epoch_order",
    "epoch_orders",
    "generator_of",
    "load",
    "one_vs_rest",
    "pair",
    "permutation",
    "shuffled_labels",
]
