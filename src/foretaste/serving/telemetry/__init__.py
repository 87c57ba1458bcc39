"""What the service reports about itself: logs, metrics, traces."""
