"""Finished results in the forms of other tools. A new one is a file with a record, listed in `registry`."""
