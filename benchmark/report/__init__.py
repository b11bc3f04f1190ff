"""Tables, figures, Markdown and HTML, from the records alone. No TensorFlow."""
