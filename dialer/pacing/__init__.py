"""How many calls to place, and when.

The rule of this room: a pacer is a pure function of what it is shown, and says why.
"""
