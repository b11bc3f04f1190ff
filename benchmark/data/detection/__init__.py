"""Images with boxes: where they come from, and the batches that a detector is trained on."""
