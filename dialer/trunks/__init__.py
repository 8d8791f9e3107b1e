"""What is decided about trunks: how fast, how many, whether at all, and where to go next.

The rule of this room: a trunk's limits hold over all campaigns together, and a trunk that is at
fault never costs a contact its turn.
"""
