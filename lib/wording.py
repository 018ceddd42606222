"""What a refusal says, in the language that is active: of a page its own, of the API and of the console English."""

from django.utils.translation import gettext

from lib.refusal import RefusalError, Words


def in_words(error: Exception) -> str:
    """The sentence of a refusal with its values; the text of any other error as it is."""
    if not isinstance(error, RefusalError):
        return str(error)
    sentence = gettext(error.sentence)
    values = {name: gettext(value) if isinstance(value, Words) else value for name, value in error.values.items()}
    return sentence % values if values else sentence
