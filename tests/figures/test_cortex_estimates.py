"""Figures of the estimates for the mouse visual cortex: methods, bin width, neurons, and exact values."""

import numpy as np
import pytest
import xarray as xr

from lib.data.population import simulated_population
from lib.experiments.cortex import SIMULATED
from lib.experiments.estimates import rows
from lib.figures import cortex_estimates as figures
from lib.figures._cortex import below_independent, segment_means
from lib.figures.cortex import stimuli_of


@pytest.mark.parametrize("name", ["gain", "by_bin_and_neurons", "methods"])
def test_both_sources_are_drawn_with_names_on_every_axis(cortex_studies, cortex_session, name):
    for record, source in ((cortex_studies, SIMULATED), (cortex_session, "stored")):
        figure = getattr(figures, name)(record, source)
        figure.canvas.draw()
        assert all(axes.lines for axes in figure.axes)
        assert figure.axes[0].get_ylabel()
        assert all(axes.get_xlabel() for axes in figure.axes if axes.get_subplotspec().is_last_row())


def test_dimensions_of_counts_are_drawn_open(cortex_studies):
    more = rows(cortex_studies, study="bins").copy(deep=True)
    more["dimension_of_counts"] = more["dimension_of_counts"] * 0 + 6.0  # half of the neurons
    others = cortex_studies.isel(estimate=np.flatnonzero(cortex_studies["study"].values != "bins"))
    figure = figures.dimensions(xr.concat([others, more], "estimate", data_vars="minimal"), SIMULATED)
    figure.canvas.draw()
    opened = [line for line in figure.axes[0].lines if line.get_markerfacecolor() == "white"]
    assert [line.get_ydata()[-1] for line in opened[:2]] == [0.5] * 2
    assert all(axes.get_xlabel() for axes in figure.axes)
    with pytest.raises(ValueError, match="varies neither bins nor neurons"):
        figures.dimensions(rows(cortex_studies, study="stimuli"), SIMULATED)


def test_what_was_not_run_is_left_out_or_named(cortex_record):
    figures.gain(rows(cortex_record, study="stimuli"), SIMULATED).canvas.draw()
    with pytest.raises(ValueError, match="varies neither bins nor neurons"):
        figures.by_bin_and_neurons(cortex_record, SIMULATED)


def test_shifted_trains_are_averaged_over_draws(cortex_record):
    first = rows(cortex_record, study="surrogates", method="autoregressive", stimulus="natural movie")
    both = xr.concat([first, first.assign(draw=first["draw"] + 1, bits=first["bits"] + 0.5)], "estimate")
    shown = segment_means(both)
    expected = rows(first, segment=1)["bits"].item() + 0.25
    assert shown.loc[1, "bits"] == pytest.approx(expected)


def test_the_exact_percentage_is_drawn_where_it_is_known(cortex_record, cortex_session):
    population = simulated_population("spontaneous", 12)
    exact = 100 * (1 - population.bits / population.independent_bits)
    labels = [each.get_label() for each in figures.gain(cortex_session, "stored").axes[0].collections]
    assert "exact" not in labels
    drawn = figures.gain(cortex_record, SIMULATED).axes[0].collections
    first = next(each for each in drawn if each.get_label() == "exact")
    assert first.get_segments()[0][0, 1] == pytest.approx(exact)


def test_below_independent_neurons_in_sample_and_cross_fitted(cortex_record):
    found = rows(cortex_record, study="stimuli", stimulus="natural movie", segment=0)
    alone, bound = (float(rows(found, method=name)["bits"].values[0]) for name in ("independent", "logistic"))
    in_sample = float(found["independent_bits"].values[0])
    each = segment_means(rows(found, method="logistic"))
    assert below_independent(each)[0].item() == pytest.approx(100 * (1 - bound / alone))
    assert below_independent(each, of_text=True)[0].item() == pytest.approx(100 * (1 - bound / in_sample))


def test_estimates_of_all_stimuli_share_their_axes(cortex_record):
    names = stimuli_of(cortex_record)
    limits = {figures.at_stimulus(cortex_record, SIMULATED, name).axes[0].get_xlim() for name in names}
    assert len(limits) == 1
    assert len(figures.against_truth(cortex_record).axes) == 2
