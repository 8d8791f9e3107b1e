"""Adapters that touch the world: trunks, audio, databases, sockets, terminals.

The rule of this room: an adapter knows the domain (`dialer`) and nothing else of the project.
"""
