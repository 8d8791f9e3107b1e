"""A second, small simulator for research on pacing: whole days in a second or two.

The rule of this room: nothing of the actors or of `sim/` is used, so that its figures and those of
the actor simulator are two witnesses; the pacers are the very ones of `dialer/pacing/`.
"""
