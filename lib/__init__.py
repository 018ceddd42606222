"""Plain helpers that know no app."""
