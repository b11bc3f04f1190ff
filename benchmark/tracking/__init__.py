"""The copy of the records in a tracking server, MLflow, for browsing."""
