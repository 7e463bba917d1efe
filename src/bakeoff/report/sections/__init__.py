"""The sections of a report, one file each: a function that makes a section from the material."""
