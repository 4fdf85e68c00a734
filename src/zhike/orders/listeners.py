"""Orders that follow their customer again get its owner: in the background, because there may be millions."""

from __future__ import annotations

from zhike.kernel.events import on
from zhike.org.roles.following import FollowingChanged

from .jobs import align_owners


@on(FollowingChanged)
def follow_again(event: FollowingChanged) -> None:
    if event.label == "orders.order" and not event.is_apart:
        align_owners.defer()
