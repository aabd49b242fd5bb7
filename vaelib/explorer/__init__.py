"""The latent explorer: a model's networks inside a web page, with sliders that answer at once.

`explore(run)` at the end of a notebook's cell, `explore(run).save("explorer.html")`, or
`vaelib explore RUN -o explorer.html`.
"""

from vaelib.explorer.page import Explorer, compare, explore

__all__ = ["Explorer", "compare", "explore"]
