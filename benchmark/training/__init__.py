"""Training, from a RunSpec to a trained net: ``loop.train``. No files and no MLflow here."""
