"""Checks of data files: invalid rows, leaks, suspicious values; reports and data cards."""
