"""Reports: tables, figures, Markdown and HTML, from the records only, without TensorFlow."""
