"""Tables, figures, Markdown and HTML made only from records, without TensorFlow."""
