"""Data sets with known factors. One file, one data set; nothing here needs torch."""

from vaelib.datasets.base import FactorData
from vaelib.datasets.correlated import Correlated
from vaelib.datasets.dsprites import DSprites
from vaelib.datasets.fixed_sample import FixedSample
from vaelib.datasets.pairs import Pairs
from vaelib.datasets.pooled import Pooled

__all__ = ["Correlated", "DSprites", "FactorData", "FixedSample", "Pairs", "Pooled"]
