"""Finding people by what one types: name, its pinyin or initials, user name, mail."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q, QuerySet

from zhike.kernel.text.folding import fold, fold_key
from zhike.kernel.text.pinyin import initials, syllables

from ..models import User


def finding_of(user: User) -> str:
    """What a search for this person looks at: folded name, pinyin, initials, user name, mail."""
    name = fold(user.name)
    key = fold_key(user.name)
    words = (name, "".join(syllables(key, is_person=True)), initials(key, is_person=True), fold(user.username), fold(user.email))
    return " ".join(dict.fromkeys(word for word in words if word))[:400]


def matching(people: QuerySet[User], typed: str) -> QuerySet[User]:
    """Those of the people of whom every typed word is a part."""
    for word in fold(typed).split()[:4]:
        people = people.filter(Q(finding__contains=word) | Q(name__icontains=word) | Q(username__icontains=word))
    return people


def found(typed: str, *, limit: int, but: Sequence[int] = ()) -> list[User]:
    """Active people that match, by name; the first ones when nothing was typed."""
    people = matching(User.objects.filter(is_active=True).exclude(pk__in=but), typed)
    return list(people.order_by("name", "pk").only("pk", "name", "username", "email")[:limit])


def free_username(wanted: str) -> str:
    """A user name that nobody has: what is wanted, Chinese in pinyin, with a number where it is taken."""
    key = fold_key(wanted)
    stem = ("".join(syllables(key, is_person=True)) if not wanted.isascii() else "".join(wanted.split()).lower())[:40] or "user"
    found, number = stem, 2
    while User.objects.filter(username__iexact=found).exists():
        found, number = f"{stem}{number}", number + 1
    return found
