"""Histories smoothed over the graph of people and items."""
