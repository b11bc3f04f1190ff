"""Files of many sizes, decoded as needed: ImageNet, or any class-per-folder tree.

``tree`` and ``imagenet`` list the files, ``registry`` keeps the lists, ``source`` reads a file's
bytes; ``geometry`` decides which part of a photograph is seen and ``lighting`` how its colours are
shifted; ``decode`` makes the pixels, ``pipeline`` those of batches, ``stream`` those of a run."""
