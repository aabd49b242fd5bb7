"""Data sets with known factors. One file, one data set; nothing here needs torch."""

from vaelib.datasets.array_data import ArrayData
from vaelib.datasets.base import FactorData
from vaelib.datasets.blobs import Blobs
from vaelib.datasets.cars3d import Cars3D
from vaelib.datasets.correlated import Correlated
from vaelib.datasets.dsprites import DSprites
from vaelib.datasets.dsprites_in_colour import ColorDSprites, NoisyDSprites
from vaelib.datasets.fixed_sample import FixedSample
from vaelib.datasets.mpi3d import MPI3D
from vaelib.datasets.pairs import Pairs
from vaelib.datasets.pooled import Pooled
from vaelib.datasets.shapes3d import Shapes3D
from vaelib.datasets.shapes3d_like import Shapes3DLike
from vaelib.datasets.small_norb import SmallNORB

__all__ = [
    "ArrayData",
    "Blobs",
    "Cars3D",
    "ColorDSprites",
    "Correlated",
    "DSprites",
    "FactorData",
    "FixedSample",
    "MPI3D",
    "NoisyDSprites",
    "Pairs",
    "Pooled",
    "Shapes3D",
    "Shapes3DLike",
    "SmallNORB",
]
