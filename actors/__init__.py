"""The behaviours that run a campaign, and the runtimes that bring them to life.

The rule of this room: tell, never ask. A behaviour is a plain class that reaches time, timers,
randomness and other actors only through the Runtime, so that the same class runs on threads, on
a worker pool and on a virtual clock.
"""
