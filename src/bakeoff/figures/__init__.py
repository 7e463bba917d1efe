"""Figures from the summary tables: SVG and PDF files, the same bytes for the same tables."""
