"""What is not taken, and why: an English sentence whose values stand apart, so that a page can say it in its language.

Plain data: modules that know no framework raise it, and `lib.wording` translates it where it is shown.
"""

from typing import Any


class Words(str):
    """Words among the values of a sentence, which are translated with it; other values are quoted."""

    __slots__ = ()


class RefusalError(ValueError):
    """A sentence for whoever sent what is not taken. `sentence` has the `values` by name, as %(name)s."""

    def __init__(self, sentence: str, **values: Any) -> None:
        """The error's text is the sentence in English."""
        super().__init__(sentence % values if values else sentence)
        self.sentence, self.values = sentence, values
