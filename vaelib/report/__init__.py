"""The report: notebooks executed with parameters, as pages that open without a network.

:func:`vaelib.report.build.build` makes one; `vaelib report` calls it. What a notebook offers is
read from its cell tagged `parameters` (:mod:`vaelib.report.parameters`); its pictures reach the
index page by the tag `report` on the cells that draw them (:mod:`vaelib.report.pictures`).
"""
