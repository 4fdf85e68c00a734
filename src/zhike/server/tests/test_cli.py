"""The command line: help, JSON, exit codes; the database is started when it does not run."""

import json

import pytest

from zhike.server.tests.conftest import Ground


def test_company_commands_start_the_database_themselves_and_stop_it_again(ground: Ground) -> None:
    code, out, _err = ground.zhike("company", "create", "恒砺机电", "--json")
    assert code == 0
    made = json.loads(out)
    assert (made["slug"], made["name"], made["database"]) == ("henglijidian", "恒砺机电", "zhike_henglijidian")
    code, out, err = ground.zhike("company", "create", "恒砺机电")
    assert (code, out) == (1, "")
    assert "恒砺机电 exists already" in err
    code, out, _err = ground.zhike("company", "drop", "恒砺机电", "--yes", "--json")
    assert (code, json.loads(out)["slug"]) == (0, "henglijidian")
    code, out, _err = ground.zhike("company", "list", "--json")
    assert (code, json.loads(out)) == (0, [])
    assert ground.processes() == []


def test_doctor_names_each_part_and_what_to_do(ground: Ground) -> None:
    code, out, _err = ground.zhike("doctor", "--json")
    told = json.loads(out)
    assert (code, told["ok"]) == (0, True)
    verdicts = {check["check"]: check["verdict"] for check in told["checks"] if check["check"] != "port"}
    well = ("python", "home", "secrets", "disk", "memory", "time_zone", "database", "settings", "connections", "clock", "tls")
    assert verdicts == dict.fromkeys(well, "ok") | dict.fromkeys(("companies", "mail", "static"), "warn")
    assert all(check["advice"] for check in told["checks"] if check["verdict"] != "ok")


def test_wrong_usage_is_exit_code_2_and_help_is_0(ground: Ground) -> None:
    assert ground.zhike("company", "create")[0] == 2
    assert ground.zhike("nothing-like-this")[0] == 2
    for arguments in (["--help"], ["up", "--help"], ["company", "create", "--help"], ["doctor", "--help"]):
        code, out, _err = ground.zhike(*arguments)
        assert code == 0
        assert "Usage: zhike" in out


def test_unreachable_server_is_told_in_words(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/crm")
    code, out, err = ground.zhike("company", "list")
    assert (code, out) == (1, "")
    assert err.startswith("The database cannot be reached: ")
    code, out, _err = ground.zhike("doctor", "--json")
    assert code == 1
    assert [check["check"] for check in json.loads(out)["checks"] if check["verdict"] == "fail"] == ["database"]
