"""Records of the training response made by hand, for the tests of its judges and figures."""

import numpy as np
import xarray as xr

from lib.experiments.training_response import moments

EPOCH = moments(10_000, 40)
PROFILE = moments(10_000, 9)
EPOCH = np.union1d(EPOCH, PROFILE)
DISTANCE = np.arange(9)
FALLING = 1.0 - DISTANCE / 8


def setting(
    exponent=1.5,
    law="power",
    scatter=0.0,
    profile=FALLING,
    late_profile=None,
    logit_profile=FALLING,
    negative=0.0,
    linear=0.99,
    seeds=6,
    seed=0,
):
    """One setting and rate: response and error with a law in time, kernels with a shape in space.

    The error of a power law falls with a third of the response's exponent, as theory has it; that of an exponential as
    the response does.
    """
    generator = np.random.default_rng(seed)
    t = np.maximum(EPOCH, 1.0)
    if law == "power":
        response, error = 0.1 * t**-exponent, 0.5 * t ** (-exponent / 3)
    else:
        response = 0.1 * np.exp(-t / 300)
        error = 5 * response
    spread = np.exp(scatter * generator.normal(size=(seeds, len(t))))
    response, error = response * spread * np.ones((seeds, 1)), error * np.ones((seeds, 1))
    last = profile if late_profile is None else late_profile
    share = (np.arange(len(PROFILE)) / (len(PROFILE) - 1))[:, None]
    shape = (1 - share) * profile + share * last
    jitter = 1 + 1e-4 * generator.normal(size=(seeds, 1, 1))
    slope = np.broadcast_to(np.where(share < 0.5, 0.25, 0.2), shape.shape)
    profiles = {
        "response_at": jitter * shape,
        "permuted_at": jitter * shape[:, (0, *(1 + generator.permutation(len(DISTANCE) - 1)))],
        "logit_response_at": jitter * np.broadcast_to(logit_profile, shape.shape) * 0.01,
        "slope_at": np.broadcast_to(slope, (seeds, *shape.shape)),
        "output_at": np.full((seeds, *shape.shape), 0.5),
    }
    flat = np.ones((seeds, len(t)))
    scalars = {
        "response": response,
        "error": error,
        "logit": -np.log(1 / (1 - np.minimum(error, 0.999)) - 1),
        "negative": negative * flat,
        "mean_feature": 0.25 * flat,
        "mean_feature_at_point": 0.25 * flat,
        "linear": linear * flat,
        "quadratic": np.maximum(linear, 0.995) * flat,
        "arc_cosine": 0.9 * flat,
        "first_order_error": 0.01 * flat,
        "ungated_error": 0.2 * flat,
    }
    return xr.Dataset(
        {name: (("seed", "epoch"), values) for name, values in scalars.items()}
        | {name: (("seed", "profile_epoch", "distance"), values) for name, values in profiles.items()},
        coords={"seed": np.arange(seeds), "epoch": EPOCH, "profile_epoch": PROFILE, "distance": DISTANCE},
    )


def record(settings, rates=(0.1,)):
    """Put settings by name together, the same at every rate."""
    parts = [
        xr.concat([each] * len(rates), xr.DataArray(list(rates), dims="rate", name="rate")).expand_dims(setting=[name])
        for name, each in settings.items()
    ]
    attrs = {
        "width": 128,
        "bits": 8,
        "preset": "smoke",
        "device": "CPU",
        "wall_time_s": 1.0,
        "created": "2026-01-01T00:00:00",
    }
    return xr.concat(parts, "setting").assign_attrs(attrs)
