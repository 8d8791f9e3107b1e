"""A campaign's flow: what its nodes are, whether it can run, and what comes next.

The rule of this room: a flow never acts. `nodes` says what may be drawn, `graph` whether the
drawing makes sense, and `interpreter` which step comes next; the actors take the steps.
"""
