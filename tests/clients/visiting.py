"""The browser of a demo user, by HTTP alone: it fills in our pages' forms."""

import re
from html import unescape
from typing import Final
from urllib.parse import urljoin, urlsplit

import httpx

OWNER: Final = "owner@acme.example"
PASSWORD: Final = "insula-demo"  # the demo users' password
_MOST_STEPS: Final = 16
_ACTION: Final = re.compile(r'<form method="post" action="([^"]+)"')
_TOKEN: Final = re.compile(r'name="token" value="([\w-]+)"')


class Visitor:
    """A browser with cookies. Close its ``client`` at the end."""

    def __init__(self, address: str) -> None:
        self.client = httpx.Client(timeout=30)
        self._address = address

    def visit(self, url: str) -> httpx.Response:
        """Open a page, follow each redirect and fill in each form; return the answer that leads no further."""
        answer = self.client.get(url)
        for _ in range(_MOST_STEPS):
            led = answer.headers.get("location")
            action = _ACTION.search(answer.text)
            if led is not None:
                answer = self.client.get(urljoin(str(answer.url), led))
            elif action is not None and str(answer.url).startswith(self._address):
                answer = self._filled(answer, unescape(action[1]))
            else:
                return answer
        raise RuntimeError(f"{url} leads nowhere: {answer.url}")

    def _filled(self, page: httpx.Response, action: str) -> httpx.Response:
        token = _TOKEN.search(page.text)
        fields = {"token": token[1] if token else ""}
        if 'name="password"' in page.text:
            fields |= {"email": OWNER, "password": PASSWORD}
        elif 'name="tenant"' in page.text:
            fields["tenant"] = "acme"
        elif 'name="answer"' in page.text:
            fields["answer"] = "allow"
        found = urlsplit(self._address)
        headers = {"sec-fetch-site": "same-origin", "origin": f"{found.scheme}://{found.netloc}"}
        return self.client.post(urljoin(str(page.url), action), data=fields, headers=headers)
