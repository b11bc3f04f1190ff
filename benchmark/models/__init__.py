"""Models, from a spec to a Keras model. Import from the modules: ``layout`` and ``count`` are plain
arithmetic, the others need Keras."""
