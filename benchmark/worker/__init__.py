"""The process of one run: it has its own cores and GPUs, trains, and keeps the records."""
