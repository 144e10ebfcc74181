"""What is known of each image set before any file is read: shape, counts, class names."""

from dataclasses import dataclass

DIGITS = tuple("0123456789")
CLOTHES = (
    "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip
HIRAGANA = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CIFAR100 = (
    "apple", "aquarium fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle",
    "bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle",
    "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur",
    "dolphin", "elephant", "flatfish", "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard",
    "lamp", "lawn mower", "leopard", "lion", "lizard", "lobster", "man", "maple tree", "motorcycle", "mountain",
    "mouse", "mushroom", "oak tree", "orange", "orchid", "otter", "palm tree", "pear", "pickup truck", "pine tree",
    "plain", "plate", "poppy", "porcupine", "possum", "rabbit", "raccoon", "ray", "road", "rocket",
    "rose", "sea", "seal", "shark", "shrew", "skunk", "skyscraper", "snail", "snake", "spider",
    "squirrel", "streetcar", "sunflower", "sweet pepper", "table", "tank", "telephone", "television", "tiger",
    "tractor", "train", "trout", "tulip", "turtle", "wardrobe", "whale", "willow tree", "wolf", "woman", "worm",
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One image set as published."""

    classes: tuple[str, ...]
    shape: tuple[int, int, int]  # channels, height, width of one image
    published: tuple[int, int]  # number of train and test images


CATALOGUE = {
    "digits": Entry(DIGITS, (1, 8, 8), (1437, 360)),  # our own split: the source has one part only
    "mnist": Entry(DIGITS, (1, 28, 28), (60_000, 10_000)),
    "fashion-mnist": Entry(CLOTHES, (1, 28, 28), (60_000, 10_000)),
    "kmnist": Entry(HIRAGANA, (1, 28, 28), (60_000, 10_000)),
    "cifar10": Entry(CIFAR10, (3, 32, 32), (50_000, 10_000)),
    "cifar100": Entry(CIFAR100, (3, 32, 32), (50_000, 10_000)),
}
