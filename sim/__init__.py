"""The simulated world: a carrier, its customers, and agents, as behaviours on any Runtime.

The rule of this room: nothing here knows whether its clock is the wall's or virtual.
"""
