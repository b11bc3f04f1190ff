"""``against``: the base of claims that compare a variant with another one."""

from pydantic import model_validator

from benchmark.spec.base import refuse
from benchmark.suite.claims.base import Claim


class AgainstClaim(Claim):
    """A claim about two variants."""

    variant: str
    """The variant that the claim is about."""

    against: str
    """Compared with this other variant."""

    @model_validator(mode="after")
    def _is_another(self) -> "AgainstClaim":
        if self.against == self.variant:
            raise refuse("against", "must differ from variant", self.against)
        return self

    @property
    def variants(self) -> tuple[str, ...]:
        """Both variants."""
        return self.variant, self.against
