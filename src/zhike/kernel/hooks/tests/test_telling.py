"""Changes told to another system: what is said, to whom, how it is signed, and what happens when nobody answers."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac

from django.db import connection
from django.utils import timezone

from tests.cast import actor
from zhike.customers.models import Customer
from zhike.kernel import events
from zhike.kernel.actions import change_record, create_record, delete_record
from zhike.kernel.hooks import delivering
from zhike.kernel.hooks.actions import new_secret, send_again, switch_hook, try_hook
from zhike.kernel.hooks.tests.conftest import MakeHook
from zhike.kernel.hooks.tests.receiver import Receiver
from zhike.kernel.links.integrations import switch_integration
from zhike.kernel.links.tables import Hook, HookMessage, HookTry, MessageState
from zhike.kernel.models import OutboxEvent
from zhike.server.control import Company


def new_customer(by: str = "林悦", **values: object) -> Customer:
    return create_record(Customer, {"name": "常州精工", "kind": "company"} | values, by=actor(by))


def is_signed(headers: dict[str, str], body: str, secret: str) -> bool:
    """Worked out here by the letter of the Standard Webhooks form, without our own code."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}".encode()
    made = base64.b64encode(hmac.new(base64.b64decode(secret[6:]), signed, hashlib.sha256).digest()).decode()
    return f"v1,{made}" in headers["webhook-signature"].split()


def test_a_new_customer_is_told_once_signed_and_in_words_of_the_interface(
    committed: Company, receiver: Receiver, hook_to: MakeHook
) -> None:
    hook, secret = hook_to()
    made = new_customer(city="无锡", phone="13812345678")
    delivering.work(hook.pk)
    [(headers, body)] = receiver.heard
    [event] = receiver.events
    assert is_signed(headers, body, secret)
    assert headers["content-type"].startswith("application/cloudevents+json")
    assert (event["specversion"], event["type"], event["source"]) == ("1.0", "zhike.customers.created", "/customers")
    assert (event["id"], event["subject"]) == (headers["webhook-id"], str(made.pk))
    [record] = event["data"]["records"]
    assert (record["name"], record["city"], record["sales"], record["version"]) == ("常州精工", "无锡", "0.0000", 1)
    assert record["owner"]["name"] == "林悦"
    assert "name_key" not in record
    assert delivering.work(hook.pk) is None
    assert len(receiver.heard) == 1


def test_an_event_heard_twice_makes_one_message(committed: Company, receiver: Receiver, hook_to: MakeHook) -> None:
    hook_to()
    new_customer()
    stored = OutboxEvent.objects.latest("id")
    events.tell(stored)  # a process died after its listeners and before it noted so
    assert HookMessage.objects.count() == 1


def test_what_the_integration_may_not_see_does_not_leave(committed: Company, receiver: Receiver, hook_to: MakeHook) -> None:
    hook, _secret = hook_to(role="sales", team="上海组")
    mine, strange = new_customer("林悦"), new_customer("陈默", name="广州外人")
    change_record(strange, {"city": "广州"}, by=actor("陈默"))
    delete_record(strange, by=actor("陈默"))
    delete_record(mine, by=actor("林悦"))
    delivering.work(hook.pk)
    # Messages are written from what is there when they are sent: the record is gone, so only its end is told.
    assert [(event["type"], event["data"]["records"]) for event in receiver.events] == [("zhike.customers.deleted", [{"id": str(mine.pk)}])]
    assert "外人" not in "".join(body for _headers, body in receiver.heard)
    assert HookMessage.objects.filter(state=MessageState.EMPTY).count() == 4


def test_only_chosen_fields_are_sent_and_only_their_changes_told(committed: Company, receiver: Receiver, hook_to: MakeHook) -> None:
    hook, _secret = hook_to(fields={"customers.customer": ["city"]}, events={"customers.customer": ["changed"]})
    made = new_customer(phone="13812345678")
    change_record(made, {"remark": "只给自己看"}, by=actor("林悦"))
    change_record(made, {"city": "无锡"}, by=actor("林悦"))
    delivering.work(hook.pk)
    [event] = receiver.events
    assert event["data"] == {
        "object": "customers",
        "verb": "changed",
        "fields": ["city"],
        "records": [{"id": str(made.pk), "version": 3, "city": "无锡"}],
    }


def test_later_changes_have_greater_sequences(committed: Company, receiver: Receiver, hook_to: MakeHook) -> None:
    hook, _secret = hook_to()
    made = new_customer()
    delivering.work(hook.pk)
    for city in ("无锡", "苏州"):
        change_record(made, {"city": city}, by=actor("林悦"))
        delivering.work(hook.pk)
    told = [(event["sequence"], event["data"]["records"][0]["city"]) for event in receiver.events]
    assert [city for _sequence, city in sorted(told)] == ["", "无锡", "苏州"]


def test_a_receiver_that_fails_is_asked_again_with_growing_waits(committed: Company, receiver: Receiver, hook_to: MakeHook) -> None:
    hook, _secret = hook_to()
    new_customer()
    receiver.will_answer(*[500] * 8)
    waits = []
    for _try in range(8):
        HookMessage.objects.update(next_at=timezone.now())
        delivering.work(hook.pk)
        message = HookMessage.objects.get()
        waits.append(round((message.next_at - timezone.now()).total_seconds()))
    assert waits[:7] == [10, 60, 300, 1800, 7200, 28800, 86400]
    assert (message.state, message.tries) == (MessageState.DEAD, 8)
    assert [attempt.status for attempt in HookTry.objects.order_by("id")] == [500] * 8
    assert HookTry.objects.latest("id").answer == "said no"
    assert len({headers["webhook-id"] for headers, _body in receiver.heard}) == 1
    assert len({body for _headers, body in receiver.heard}) == 1

    assert send_again(hook, by=actor("管理员")) == 1
    delivering.work(hook.pk)
    assert HookMessage.objects.get().state == MessageState.SENT
    assert receiver.heard[-1][1] == receiver.heard[0][1]


def test_after_three_days_of_failures_the_address_is_switched_off(committed: Company, receiver: Receiver, hook_to: MakeHook) -> None:
    hook, _secret = hook_to()
    new_customer()
    Hook.objects.update(failing_since=timezone.now() - dt.timedelta(days=3, minutes=1))
    HookMessage.objects.update(tries=7)
    receiver.will_answer(503)
    delivering.work(hook.pk)
    hook.refresh_from_db()
    assert (hook.is_active, hook.off_reason) == (False, "failed")
    new_customer(name="关了以后")
    assert HookMessage.objects.count() == 1
    switch_hook(hook, is_on=True, by=actor("管理员"))
    assert (hook.messages.count(), send_again(hook, by=actor("管理员"))) == (1, 1)


def test_gone_means_gone(committed: Company, receiver: Receiver, hook_to: MakeHook) -> None:
    hook, _secret = hook_to()
    new_customer()
    receiver.will_answer(410)
    delivering.work(hook.pk)
    hook.refresh_from_db()
    assert (hook.is_active, hook.off_reason) == (False, "gone")


def test_a_changed_secret_signs_beside_the_old_one_for_a_day(committed: Company, receiver: Receiver, hook_to: MakeHook) -> None:
    hook, old = hook_to()
    new = new_secret(hook, by=actor("管理员"))
    assert new != old
    new_customer()
    delivering.work(hook.pk)
    headers, body = receiver.heard[-1]
    assert is_signed(headers, body, old)
    assert is_signed(headers, body, new)
    Hook.objects.update(old_secret_until=timezone.now() - dt.timedelta(seconds=1))
    new_customer(name="第二家")
    delivering.work(hook.pk)
    headers, body = receiver.heard[-1]
    assert is_signed(headers, body, new)
    assert not is_signed(headers, body, old)


def test_the_secret_is_stored_sealed_and_bound_to_its_webhook(committed: Company, receiver: Receiver, hook_to: MakeHook) -> None:
    hook, secret = hook_to()
    other, _secret = hook_to()
    with connection.cursor() as cursor:
        cursor.execute("select to_jsonb(h)::text from kernel_hook h where id = %s", [hook.pk])
        assert secret.removeprefix("whsec_") not in cursor.fetchone()[0]
    Hook.objects.filter(pk=other.pk).update(secret=Hook.objects.get(pk=hook.pk).secret)
    new_customer()
    delivering.work(other.pk)
    assert HookTry.objects.get().error == "secret_lost"
    assert receiver.heard == []


def test_a_switched_off_integration_sends_nothing(committed: Company, receiver: Receiver, hook_to: MakeHook) -> None:
    hook, _secret = hook_to()
    switch_integration(hook.integration, is_on=False, by=actor("管理员"))
    new_customer()
    delivering.work(hook.pk)
    assert receiver.heard == []
    assert HookTry.objects.get().error == "integration_off"


def test_a_test_message_is_sent_at_once_and_answers_what_came_back(committed: Company, receiver: Receiver, hook_to: MakeHook) -> None:
    hook, secret = hook_to()
    answer = try_hook(hook, by=actor("管理员"))
    assert answer is not None
    assert (answer.status, answer.error, answer.text) == (200, "", "ok")
    assert receiver.events[0]["type"] == "zhike.test"
    assert is_signed(*receiver.heard[0], secret)


def test_messages_are_forgotten_after_thirty_days(committed: Company, receiver: Receiver, hook_to: MakeHook) -> None:
    hook, _secret = hook_to()
    new_customer()
    delivering.work(hook.pk)
    assert delivering.forget(timezone.now() + dt.timedelta(days=29)) == 0
    assert delivering.forget(timezone.now() + dt.timedelta(days=31)) == 1
    assert HookTry.objects.count() == 0
