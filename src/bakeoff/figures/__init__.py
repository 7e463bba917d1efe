"""Figures from the summary tables, as SVG, and for LaTeX as PDF: the same bytes for the same tables."""
