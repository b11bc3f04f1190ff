"""Types shared by the specs of images."""

from typing import Annotated

from pydantic import Field

NAME, NAME_LENGTH = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", 100
"""Pattern of a data set's name, and its maximum length in characters."""

Name = Annotated[str, Field(pattern=NAME, max_length=NAME_LENGTH)]

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
"""64 hexadecimal digits."""
