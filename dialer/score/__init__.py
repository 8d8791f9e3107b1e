"""Answer scores: P(a person answers), from what is known of a contact before it is dialed.

The rule of this package: what a model was taught and what it is asked in a campaign come from the
same few lines (past.py, features.py), and a model is a plain file of numbers that is read, checked
and applied here (model.py); nothing of it is ever executed. Models are trained in `sim.score`.
"""
