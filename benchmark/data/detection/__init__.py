"""Images with boxes: where they come from, and the batches that train a detector."""
