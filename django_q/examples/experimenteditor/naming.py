"""Names that the devices accept."""

import re


def slug_of(title: str, number: int) -> str:
    """Return the words of a title run together, letters and digits of ASCII only, and a number that makes it unique."""
    words = "".join(word.capitalize() for word in title.split(" "))
    return f"{re.sub('[^0-9a-zA-Z]', '', words)}{number}"
