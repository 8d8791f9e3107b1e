"""Training and judging answer scores, from recorded attempts.

The rule of this package: a score is judged on attempts that came after all it was trained on, and
scikit-learn is used here and nowhere else.
"""
