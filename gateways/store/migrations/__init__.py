"""The schema's history: each file of `versions` takes a database one step further.

The rule of this package: a migration that stands in a release is never edited.
"""
