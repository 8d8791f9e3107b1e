"""A scenario made of recorded traffic.

`read` (CSV or ledger) gives `Traffic`; `fit_traffic` makes of it a `Fit`: a scenario's text, what
was fitted and how well, and what is still guessed.
"""
