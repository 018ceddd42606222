"""What can be said of the safety of a model's files without downloading them, and how little that is.

`scan.scan_file` looks into one file by byte ranges, `verdicts` reads what the hub's scanners said, and `repository`
what follows from the list of files. Plain data: no database, no Django. Nothing here ever says that a file is safe.
"""
