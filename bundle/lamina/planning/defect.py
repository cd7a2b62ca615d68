"""One thing that is wrong with a data set."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Defect:
    """What is wrong, how to mend it, and the names of the cases that have it.

    >>> print(Defect("a, b: the same image", "keep one of them", ("a", "b")))
    a, b: the same image → keep one of them
    """

    text: str
    remedy: str
    cases: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.text} → {self.remedy}" if self.remedy else self.text
