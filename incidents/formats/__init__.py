"""The formats of a record, one file each: `incidents.format` is their contract."""
