"""Contact details at rest."""

import pytest
from cryptography.fernet import Fernet

from lib.seal import UnreadableSealError, seal, seal_file, unseal, unseal_file


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


def test_a_file_is_sealed_anew_each_time_and_opens_with_any_key_of_the_node(settings):
    first, second = seal_file(b"a file"), seal_file(b"a file")
    assert first != second
    assert b"a file" not in first
    settings.SEAL_KEYS = [Fernet.generate_key().decode(), *settings.SEAL_KEYS]
    assert unseal_file(first) == unseal_file(second) == unseal_file(seal_file(b"a file")) == b"a file"


def test_a_file_with_a_changed_bit_opens_with_none():
    sealed = seal_file(b"a file")
    for place in range(len(sealed)):
        with pytest.raises(UnreadableSealError):
            unseal_file(sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :])
