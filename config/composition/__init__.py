"""The composition root's own rooms: settings become the daemon, the place of a command, the lab.

The rule of this package: it connects and decides nothing. It alone knows every room, so nobody but
`run.py` enters it; each module is entered only when what it builds is wanted.
"""

VERSION = "0.1.0"
