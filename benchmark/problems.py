"""What is wrong with what a user asks for."""


class InputError(ValueError):
    """Bad input: the message names what, the rule that it breaks, and the value received. Nothing
    was written, and nothing trained."""
