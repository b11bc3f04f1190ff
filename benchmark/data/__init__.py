"""Turn a LabelledSpec into batches. The order of the images and their augmentation are pure
functions of (seed, epoch, index). Import from the modules: few of them need TensorFlow."""
