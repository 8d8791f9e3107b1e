"""The domain: what a campaign, a call, a contact and an agent are, and every decision about them.

The rule of this room: decisions are pure. There is no thread, socket, clock, actor or database
here; time comes in as an argument. import-linter holds the rule in `make check`.
"""
