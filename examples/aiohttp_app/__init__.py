"""A live guestbook: an aiohttp application with PocketBase as its backend.

Visitors sign in, write entries with pictures, and edit and delete their own. Everyone sees each change at once. Start
the application with `python -m examples.aiohttp_app`, and open its page in two windows.

    app.py            routes, security headers, and the resources that are open while the application runs
    visitor.py        sign-in and sign-out; each request has a client with the token of its visitor
    entries.py        the entries and their pictures
    browsers.py       one realtime subscription, sent on to all browsers
    errors.py         messages for visitors
    collections.json  the collections, whose rules decide who may change what
    page/             the page: HTML, CSS and JavaScript modules, without a framework or a build step
"""

from .app import create_app

__all__ = ["create_app"]
