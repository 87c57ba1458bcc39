"""Learning by gradient descent: batches of ragged rows, one loop, checkpoints that survive a kill."""
