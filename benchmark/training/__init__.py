"""Train a net from a RunSpec: ``loop.train``. No files and no MLflow here."""
