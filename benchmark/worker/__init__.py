"""The process of one run: it has the cores and GPUs of its own, trains, and keeps the records."""
