"""The catalogue in the console: one module a subject. Each registers its own."""

from catalogue.admin import concerns, jobs, models

__all__ = ["concerns", "jobs", "models"]
