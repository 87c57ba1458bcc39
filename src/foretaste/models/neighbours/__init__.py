"""Neighbourhood models: item and user kNN, random walks, association rules."""
