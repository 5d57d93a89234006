"""The mailing pages: sign up, confirm, "this was not me", preferences, unsubscribe. `create_app` makes the whole of them.

    request | guard (size, last resort) | form or JSON read | one act of mail/lifecycle.py in one transaction | page

A GET changes nothing, ever. No page sets a cookie or redirects, and none has a script but the one that answers the form (`work`).
Whoever holds a link sees the address masked. `pages` draws, `forms` reads, `signup` and `links` answer, `writer` writes what comes
together, `clients` tells who asks, `nonce` whether a person pressed, `hooks` hears of bounces, `files` serves the theme's
assets and the built site, `server` listens, and `patience` is how long it waits.
"""

from pipeline.web.app import create_app, mount_site

__all__ = ["create_app", "mount_site"]
