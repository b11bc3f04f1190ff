"""The same net, weights and images, trained in two frameworks: do results depend on the framework?

``ours`` is the project's own TensorFlow step, ``jax_step`` is Keras on the JAX backend; each runs
in its own process, and ``compare`` compares what they leave behind.
"""
