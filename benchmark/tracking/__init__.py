"""The copy of the records in a tracking server, MLflow, which people look at."""
