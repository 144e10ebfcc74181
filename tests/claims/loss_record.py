"""Records of the loss of features, made by hand."""

import numpy as np
import xarray as xr

from lib.experiments.noise_courses import LOST, TASKS

SEEDS, STEPS, BITS = 6, [0, 10, 100], 4
NOISE = np.linspace(-1, 1, SEEDS)
FOLLOWED = ("feature", "feature_at", "kernel", "off", "prediction_at", "prediction_beside", "excess")
BY_LOST = ("lost", "living_at", "lost_own", "lost_others", "reach", "without_lost", "without_random")
BY_TASK = ("revived", "regrown", "feature_after", "feature_fresh", "error_after", "error_fresh")
DELTA = [0.95, 0.6, 0.5, 0.5, 0.5]
SLOPE = [0.95, 0.8, 0.7, 0.6, 0.5]


def made(settings):
    """A record of settings, each a dictionary of values; a little noise makes seeds differ where `spread` says so."""
    rows = []
    for name, values in settings.items():
        spread = values.get("spread", 1e-3) * NOISE[None, :]
        row = {}
        for dims, names, size in (("step", FOLLOWED, 3), ("lost_by", BY_LOST, 2), ("task", BY_TASK, 2)):
            for each in names:
                given = np.broadcast_to(np.asarray(values.get(each, 0.5), dtype=float), (1, size))
                noise = spread if each in values.get("noisy", ("feature", "feature_at", "kernel")) else 0 * spread
                noise = noise[..., None] * (np.arange(size) == size - 1 if dims == "step" else 1)
                row[each] = (("rate", "seed", dims), given[:, None] + noise)
        profile = np.asarray(values.get("profile", DELTA))
        row["profile"] = (("rate", "seed", "distance"), profile + spread[..., None])
        row["farthest"] = (("rate", "seed"), 0.1 + 0 * spread)
        row["steps"] = ((), STEPS[-1])
        coords = {
            "rate": [0.1],
            "seed": np.arange(SEEDS),
            "step": STEPS,
            "distance": np.arange(BITS + 1),
            "lost_by": list(LOST),
            "task": list(TASKS),
        }
        rows.append(xr.Dataset(row, coords=coords).expand_dims(setting=[name]))
    return xr.concat(rows, "setting").assign_attrs(bits=BITS)
