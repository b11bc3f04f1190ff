"""Load data sets and make batches; the order of the images and their augmentation are pure
functions of (seed, epoch, index). Import from the modules: few of them need TensorFlow."""
