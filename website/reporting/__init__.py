"""Reporting a problem, step by step."""
