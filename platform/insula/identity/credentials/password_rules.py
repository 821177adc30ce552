"""The rules for new passwords (NIST SP 800-63B): long enough, of any characters, and none of the common ones."""

import unicodedata
from typing import Annotated, Final

from pydantic import Field

from insula.core.errors import AppError, Retry

SHORTEST_PASSWORD: Final = 12
LONGEST_PASSWORD: Final = 128
_FEWEST_CHARACTERS: Final = 5

# The most common passwords that are long enough, without spaces and punctuation.
_COMMON: Final = frozenset(
    """
    123456789012 1234567890123 12345678901234 123456789012345 1234567890123456 12345678910 123456789101112
    987654321098 098765432109 112233445566 121212121212 147258369147 123123123123 123412341234 123456123456
    1q2w3e4r5t6y 1q2w3e4r5t6y7u 1qaz2wsx3edc 1qaz2wsx3edc4rfv q1w2e3r4t5y6 qazwsxedcrfv zaq12wsxcde3 zxcvbnm12345
    qwertyuiopas qwertyuiop12 qwertyuiop123 qwertyuiopasdf qwertyuiopasdfghjkl qwertyqwerty qwerty123456 qwerty1234567
    qwerty12345678 qwerty123456789 asdfghjklqwerty asdfghjkl123 asdfasdfasdf abcdefghijkl abcdefghijklm abcd12345678
    abc123456789 abcabc123123 a1b2c3d4e5f6 a123456789012 aa1234567890
    password1234 password12345 password123456 passwordpassword passw0rdpassw0rd mypassword123 mypassword1234
    thisismypassword changemechangeme changeme1234 letmeinletmein letmein12345 letmein123456 welcome12345 welcome123456
    welcomewelcome admin1234567 admin12345678 adminadminadmin administrator administrator1 administrator123
    iloveyou1234 iloveyou12345 iloveyouiloveyou iloveyousomuch iloveyouforever ihateyou1234 princess1234 sunshine1234
    football1234 baseball1234 basketball12 superman1234 liverpool123 manchester123 manchesterunited trustno1trustno1
    whatever1234 nothing12345 dragon123456 monkey123456 shadow123456 master123456 michael12345 charlie12345
    unbelievable motherfucker fuckyou12345 supercalifragilisticexpialidocious
    """.split()  # noqa: SIM905  a list of words is read more easily than one of strings
)

NewPassword = Annotated[
    str,
    Field(
        min_length=SHORTEST_PASSWORD,
        max_length=LONGEST_PASSWORD,
        repr=False,
        description="Any characters, but not your name, your email address or a common password.",
    ),
]


class PasswordTooEasy(AppError):
    """This password is easy to guess; choose another."""

    code, status = "password_too_easy", 422
    meaning = (
        "The password is in the list of common passwords, repeats few characters, or is the user's own name or email "
        "address."
    )
    cure = "Ask the user for another password, such as four words that do not belong together."
    retry = Retry.NO


def check_password(password: str, *own: str) -> None:
    """Raise PasswordTooEasy for a common or repetitive password, and for one of the user's ``own`` texts."""
    bare = _bare(password)
    mine = {_bare(word) for text in own for word in (text, text.partition("@")[0])}
    if len(set(bare)) < _FEWEST_CHARACTERS or bare in _COMMON or bare in mine:
        raise PasswordTooEasy


def _bare(text: str) -> str:
    """Return the letters and digits of ``text`` in folded case and normal form, or all of it if there are none."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in folded if character.isalnum()) or folded
