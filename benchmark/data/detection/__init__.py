"""Images with boxes: their sources, and the batches that a detector is trained on."""
