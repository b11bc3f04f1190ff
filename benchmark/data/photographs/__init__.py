"""Image files of many sizes, decoded as needed: ImageNet, or any class-per-folder tree.

``tree`` and ``imagenet`` list the files, ``registry`` keeps the lists, ``source`` reads a file's
bytes; ``geometry`` says which part of a photograph is seen and ``lighting`` how its colours are
shifted; ``decode`` makes the pixels, ``pipeline`` those of whole batches, ``stream`` a run's."""
