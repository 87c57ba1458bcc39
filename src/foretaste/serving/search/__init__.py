"""Searching the catalogue by words, by pictures and by example."""
