"""The mailing pages: sign up, confirm, "this was not me", preferences, unsubscribe. `create_app` makes the whole of them.

    request | guard (size, last resort) | form or JSON read | one act of mail/lifecycle.py in one transaction | page

A GET changes nothing, ever. No page has a script, sets a cookie or redirects. Whoever holds a link sees the address masked. `pages`
draws, `forms` reads, `signup` and `links` answer, `hooks` hears of bounces, `files` serves the theme's assets and the built site,
`server` listens.
"""

from pipeline.web.app import create_app, mount_site

__all__ = ["create_app", "mount_site"]
