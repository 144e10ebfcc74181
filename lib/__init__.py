"""Library behind *Inside Learning*, an executable book on what happens inside a neural network while it learns.

Data flows one way through its packages, and nothing on the left imports anything on its right::

    data -> models -> measures -> experiments -> records -> claims, figures -> chapters

Start with :mod:`lib.experiments` (what can be run) and :mod:`lib.records` (how a result is found, or made and kept).
"""

__version__ = "0.1.0"
