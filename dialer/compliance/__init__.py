"""The law: presets as data, and what they allow at an instant.

The rule of this room: what cannot be checked is not dialed.
"""
