"""Name of the demo company and the people to log in as; free of heavy imports, because the log-in page shows them."""

from __future__ import annotations

from typing import NamedTuple

DEMO_COMPANY = "恒砺机电"
DEMO_PASSWORD = "zhike-demo"


class DemoLogin(NamedTuple):
    """Somebody to log in as: user name, name, role code, title of the role in Chinese and English, team."""

    username: str
    name: str
    role: str
    title: str
    title_en: str
    team: str


DEMO_LOGINS = (
    DemoLogin("admin", "陈思远", "admin", "管理员", "Administrator", "恒砺机电"),
    DemoLogin("manager", "马文博", "manager", "销售经理", "Sales manager", "华东大区"),
    DemoLogin("linyue", "林悦", "sales", "销售", "Sales", "销售一部"),
    DemoLogin("zhouhang", "周航", "sales", "销售", "Sales", "销售二部"),
    DemoLogin("service", "许静", "service", "客服", "Customer service", "客服部"),
    DemoLogin("analyst", "顾言", "analyst", "分析", "Analyst", "恒砺机电"),
)
