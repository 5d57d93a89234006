"""The rig: real digests through a real relay to a real mailbox, and what comes back. `make e2e`, on a Debian machine, as root.

A network of its own (`world`) holds a name server, a relay that signs, a receiver that checks, and their mailboxes (`servers`);
`walk` sends, reads what arrived as the receiver kept it, and follows it back. Nothing of it touches the machine's own network.
"""
