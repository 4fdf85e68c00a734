"""Companies: founded, chosen by host, kept apart by the database backend."""

import pytest

from zhike.server.embedded import Embedded
from zhike.server.tests.conftest import Ground

pytestmark = pytest.mark.usefixtures("server")


def test_two_companies_in_two_threads_each_reach_their_own_database(ground: Ground) -> None:
    told = ground.tell("two_companies")
    assert told["seen"] == {"jiagongsi": ["zhike_jiagongsi"], "yigongsi": ["zhike_yigongsi"]}
    assert told["nested"] == ["zhike_jiagongsi", "zhike_yigongsi", "zhike_jiagongsi", "zhike"]
    assert told["refused"] == "company_switched_in_transaction"


def test_founding_refuses_doubles_and_hosts_choose_the_company(ground: Ground) -> None:
    told = ground.tell("founding")
    assert told["slugs"] == ["shilishangmao", "henglijidian"]
    assert told["codes"] == ["company_exists", "company_name_empty", "company_slug_invalid"]
    default = "henglijidian"  # the demo was first, but a real company goes before it
    assert told["hosts"] == [default, default, "shilishangmao", "hengli", default, default]
    assert told["outdated"] == []
    assert told["left"] == ["zhike", "zhike_hengli", "zhike_henglijidian"]


def test_connection_cut_by_the_server_is_replaced(ground: Ground, server: Embedded) -> None:
    assert server.is_owned
    assert ground.tell("survive") == {"before": "zhike_jiagongsi", "after": "zhike_jiagongsi"}
