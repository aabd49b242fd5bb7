"""vaelib: β-VAE disentanglement, from the first picture to correlated factors.

Import from the modules themselves (`from vaelib.train import TrainConfig, train`): nothing heavy is
loaded before it is used.
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("vaelib")
except PackageNotFoundError:  # used from a folder that was never installed
    __version__ = "0+unknown"
