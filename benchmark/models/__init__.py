"""Build a Keras model from a spec. Import from the modules: ``layout`` and ``count`` are plain
arithmetic, the others need Keras."""
