"""Fitting the networks of sequence models: inputs, initial weights, one training job, several processes."""
