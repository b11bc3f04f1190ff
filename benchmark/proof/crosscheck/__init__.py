"""The same net, weights and images, trained in two frameworks: do results hang on the framework?

``ours`` is the project's own TensorFlow step, ``jax_step`` Keras on the JAX backend; each is a
process of its own, and ``compare`` puts side by side what they leave behind.
"""
