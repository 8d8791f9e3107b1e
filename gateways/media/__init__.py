"""The audio relay: G.711 over RTP, carried by a worker process apart from the daemon.

The rule of this package: the daemon says which legs there are and who hears whom, and never
touches a packet; the worker moves packets and decides nothing.
"""
