"""The correlations of two studies, by name, as the `pairs` of :class:`Correlated`.

    Correlated(DSprites(), hfs("dsprites", "double_1", sigma=0.1))
    Correlated(DSprites(), traeuble("B", sigma=0.2))

Factor names are those of the data sets' own papers. dSprites: shape, scale, orientation, pos_x,
pos_y. Shapes3D: floor_hue, wall_hue, object_hue, scale, shape, orientation. MPI3D: object_color,
object_shape, object_size, camera_height, background_color, horizontal_axis, vertical_axis.

>>> traeuble("A"), hfs("dsprites", "double_2")
({('scale', 'orientation'): 0.2}, {('shape', 'scale'): 0.4, ('pos_x', 'pos_y'): 0.4})
>>> confounder("scale", ("shape", "scale", "pos_x"))
{('scale', 'shape'): 0.2, ('scale', 'pos_x'): 0.2}
"""

from __future__ import annotations

from vaelib.datasets.dsprites import DSprites
from vaelib.datasets.mpi3d import MPI3D
from vaelib.datasets.shapes3d import Shapes3D

Pair = tuple[str, str]


def _with_all(factor: str, names: tuple[str, ...]) -> tuple[Pair, ...]:
    """One factor tied to each of the others."""
    if factor not in names:
        raise ValueError(f"the factor must be one of {names}, got {factor!r}")
    return tuple((factor, other) for other in names if other != factor)


# Roth et al. 2023 (arXiv 2210.07347), the file avail_correlations.yaml of their code
HFS: dict[str, dict[str, tuple[Pair, ...]]] = {
    "dsprites": {
        "single_1": (("shape", "scale"),),
        "single_2": (("pos_x", "pos_y"),),
        "single_3": (("shape", "pos_y"),),
        "double_1": (("shape", "pos_x"), ("scale", "pos_y")),
        "double_2": (("shape", "scale"), ("pos_x", "pos_y")),
        "confounder_shape": _with_all("shape", DSprites.factor_names),
        "confounder_pos_x": _with_all("pos_x", DSprites.factor_names),
    },
    "shapes3d": {
        "single_1": (("floor_hue", "wall_hue"),),
        "single_2": (("shape", "scale"),),
        "single_3": (("shape", "wall_hue"),),
        "single_4": (("shape", "object_hue"),),
        "double_1": (("scale", "floor_hue"), ("shape", "wall_hue")),
        "double_2": (("scale", "shape"), ("floor_hue", "wall_hue")),
        "triple_1": (("scale", "orientation"), ("shape", "wall_hue"), ("object_hue", "floor_hue")),
        "triple_2": (("object_hue", "orientation"), ("shape", "scale"), ("floor_hue", "wall_hue")),
        "confounder_shape": _with_all("shape", Shapes3D.factor_names),
        "confounder_wall_hue": _with_all("wall_hue", Shapes3D.factor_names),
    },
    "mpi3d": {
        "single_1": (("camera_height", "background_color"),),
        "single_2": (("object_color", "object_size"),),
        "single_3": (("horizontal_axis", "vertical_axis"),),
        "double_1": (("object_color", "object_shape"), ("horizontal_axis", "vertical_axis")),
        "double_2": (("object_color", "horizontal_axis"), ("object_shape", "vertical_axis")),
        "triple_1": (
            ("object_color", "background_color"),
            ("camera_height", "horizontal_axis"),
            ("object_shape", "vertical_axis"),
        ),
        "triple_2": (
            ("object_color", "object_shape"),
            ("horizontal_axis", "vertical_axis"),
            ("background_color", "camera_height"),
        ),
        "confounder_object_shape": _with_all("object_shape", MPI3D.factor_names),
        "confounder_horizontal_axis": _with_all("horizontal_axis", MPI3D.factor_names),
    },
}
HFS_SIGMAS = {"single": (0.1,), "double": (0.4, 0.1, 0.04), "triple": (0.1,), "confounder": (0.2,)}

# Träuble et al. 2021 (arXiv 2006.07886): data set and pair behind each letter
TRAEUBLE: dict[str, tuple[str, Pair]] = {
    "A": ("shapes3d", ("scale", "orientation")),
    "B": ("dsprites", ("orientation", "pos_x")),
    "C": ("mpi3d", ("horizontal_axis", "vertical_axis")),
    "D": ("shapes3d", ("object_hue", "scale")),
    "E": ("shapes3d", ("object_hue", "orientation")),
}
TRAEUBLE_SIGMAS = (0.2, 0.4, 0.7, float("inf"))


def hfs(data: str, name: str, sigma: float | None = None) -> dict[Pair, float]:
    """The HFS set `name` of the data set `data`; σ by default the first that the paper uses."""
    if data not in HFS:
        raise ValueError(f"data must be one of {sorted(HFS)}, got {data!r}")
    if name not in HFS[data]:
        raise ValueError(f"the sets of {data} are {list(HFS[data])}, got {name!r}")
    sigma = HFS_SIGMAS[name.split("_")[0]][0] if sigma is None else sigma
    return dict.fromkeys(HFS[data][name], sigma)


def traeuble(letter: str, sigma: float = 0.2) -> dict[Pair, float]:
    """The pair of one letter, A to E; TRAEUBLE says of which data set it is."""
    if letter not in TRAEUBLE:
        raise ValueError(f"the letter must be one of {sorted(TRAEUBLE)}, got {letter!r}")
    return {TRAEUBLE[letter][1]: sigma}


def confounder(factor: str, names: tuple[str, ...], sigma: float = 0.2) -> dict[Pair, float]:
    """One factor tied to each of the others, for any data set."""
    return dict.fromkeys(_with_all(factor, names), sigma)
