"""What specs of images have in common."""

from typing import Annotated

from pydantic import Field

NAME, NAME_LENGTH = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", 100
"""The pattern of a data set's name, and its maximum length in characters."""

Name = Annotated[str, Field(pattern=NAME, max_length=NAME_LENGTH)]

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
"""64 hexadecimal digits."""
