"""The error for invalid user input."""


class InputError(ValueError):
    """Invalid input: the message gives its name, the rule that it breaks, and the value received.
    Nothing was written or trained."""
