"""Training by gradient descent: batches of ragged rows, one loop, crash-safe checkpoints, several processes."""
