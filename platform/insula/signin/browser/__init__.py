"""The sign-in pages at ``/auth``: a browser's session in a cookie. They are ordinary forms and run no scripts."""

from insula.signin.browser.routes import BROWSER_PAGES, browser_router

__all__ = ["BROWSER_PAGES", "browser_router"]
