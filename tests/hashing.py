"""Passwords in tests: the algorithm of the real thing, with few of its rounds."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class FewRounds(PBKDF2PasswordHasher):
    """Any process can check what this one hashed: the hash says how many rounds it took."""

    iterations = 1000
