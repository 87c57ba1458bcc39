"""Server processes: start, worker pool, HTTP protocol, settings of uvicorn."""
