"""Geometry, coordinates and files. Knows nothing of villages or policy."""
