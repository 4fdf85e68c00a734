"""What people are found by, and user names that are free."""

from __future__ import annotations

from zhike.kernel.text.folding import fold, fold_key
from zhike.kernel.text.pinyin import initials, syllables

from ..models import User


def finding_of(user: User) -> str:
    """What a search for this person looks at: folded name, pinyin, initials, user name, mail."""
    name = fold(user.name)
    key = fold_key(user.name)
    words = (name, "".join(syllables(key, is_person=True)), initials(key, is_person=True), fold(user.username), fold(user.email))
    return " ".join(dict.fromkeys(word for word in words if word))[:400]


def free_username(wanted: str) -> str:
    """A user name that nobody has: what is wanted, Chinese in pinyin, with a number where it is taken."""
    key = fold_key(wanted)
    stem = ("".join(syllables(key, is_person=True)) if not wanted.isascii() else "".join(wanted.split()).lower())[:40] or "user"
    found, number = stem, 2
    while User.objects.filter(username__iexact=found).exists():
        found, number = f"{stem}{number}", number + 1
    return found
