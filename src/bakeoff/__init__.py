"""Bakeoff: benchmark studies of image classifiers, orchestrated by Snakemake."""

__version__ = "0.1.0"
