"""Measures: pure functions from arrays to numbers. No training, no plotting.

- :mod:`lib.measures.random_walk`: mean squared displacement, random-sign surrogates, principal components of a path.
- :mod:`lib.measures.unit_root`: tests whether a series may be a random walk, and shares of rejections.
- :mod:`lib.measures.transport`: how far a distribution of weights has moved.
- :mod:`lib.measures.histogram`: weights in bins, under a stated rule, with the edges beside the counts.
- :mod:`lib.measures.entropy`: entropy and divergences of binned distributions, and between halves of a sample.
- :mod:`lib.measures.complexity`: the complexity-entropy plane, its limits, and laws of given moments.
- :mod:`lib.measures.mutual_information`: what a layer knows of input and labels, by several estimators.
- :mod:`lib.measures.weights`: the place of every weight matrix of a network in that plane, beside normal weights.
- :mod:`lib.measures.curves`: knees, peaks and turning points of curves over epochs.
- :mod:`lib.measures.change_points`: where curves dip and recover, and where they bend.
- :mod:`lib.measures.amplitudes`: which law the sizes of weights follow, log-normal or another.
- :mod:`lib.measures.patterns`: entropy of binary patterns, such as which units of a layer are on.
- :mod:`lib.measures.collisions`: their entropy from below, from how often two samples coincide.
- :mod:`lib.measures.extrapolation`: where bounds would end with unlimited samples.
- :mod:`lib.measures.dimension`: how many principal components share a representation's variance.
- :mod:`lib.measures.linear_regions`: how many linear pieces of a network a line or circle crosses.
- :mod:`lib.measures.surrogates`: recordings with rates, pairs or trains kept and the rest destroyed.
- :mod:`lib.measures.response`: how outputs move when a network learns one point, and the kernel of that.
- :mod:`lib.measures.decay`: whether a curve decays as a power law, an exponential, or between.
- :mod:`lib.measures.subsets`: accuracies on random parts of a test set.
- :mod:`lib.measures.statistics`: intervals over seeds, rank correlation.
"""
