"""The whole collection, or any part of it, as files: JSON Lines, CSV and Parquet.

`live` streams what a question asks for out of the database. `stored` serves the whole collection from files, which
`building` makes and `refreshing` keeps up with the log.
"""
