"""The JSON face: one resource, one file."""
