"""Contact details at rest."""

import pytest
from cryptography.fernet import Fernet

from lib.seal import UnreadableSealError, seal, unseal


def test_what_was_sealed_comes_back_and_is_not_in_the_seal():
    sealed = seal("ana@example.org")
    assert unseal(sealed) == "ana@example.org"
    assert b"ana" not in sealed


def test_keys_rotate(settings):
    sealed = seal("ana@example.org")
    settings.SEAL_KEYS = [Fernet.generate_key().decode(), *settings.SEAL_KEYS]
    assert unseal(sealed) == "ana@example.org"
    settings.SEAL_KEYS = settings.SEAL_KEYS[:1]
    with pytest.raises(UnreadableSealError):
        unseal(sealed)


def test_what_is_sealed_under_a_secret_takes_the_secret_too():
    sealed = seal("ana@example.org", under="a cookie")
    assert unseal(sealed, under="a cookie") == "ana@example.org"
    with pytest.raises(UnreadableSealError):
        unseal(sealed, under="another cookie")
    assert "ana" not in unseal(sealed)
