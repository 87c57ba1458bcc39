"""The REST service and its console."""
