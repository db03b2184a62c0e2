"""What one decision may cost: work is counted in steps, and refused beyond a number of them (``spec/policy.md``)."""

from typing import Final

from keystead.errors import ServiceError

STEPS: Final = 100_000
"""Steps of one decision. A step is some 0.1 µs of work, so that no policy keeps a module busy for long."""


class Budget:
    """The steps that are left to one decision."""

    __slots__ = ("left",)

    def __init__(self, left: int = STEPS) -> None:
        self.left = left

    def spend(self, steps: int) -> None:
        """Count the steps before they are made.

        Raises:
            ServiceError: LimitExceededException if so many are not left.
        """
        self.left -= steps
        if self.left < 0:
            raise ServiceError(
                "LimitExceededException",
                "The policies that apply to this request take too many steps to evaluate. Use fewer patterns in them.",
            )
