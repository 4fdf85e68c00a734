"""Products of the demo company: compressors, air treatment, filters, oil, pneumatics, service."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import polars as pl

from zhike.demo.arrays import Floats, Ints, decimals, moments, uuids
from zhike.demo.size import DemoSize


class _Line(NamedTuple):
    """A product line: names by size, lowest and highest price in yuan, share of cost, and how often it is bought."""

    category: str
    sub_category: str
    name: str
    sizes: tuple[str, ...]
    unit: str
    low: float
    high: float
    cost: float
    often: float


_POWERS = ("7.5kW", "11kW", "15kW", "22kW", "37kW", "55kW", "75kW", "110kW")
_FLOWS = ("1.5m³", "2.5m³", "3.8m³", "6.5m³", "10m³", "13m³", "20m³")
_MODELS = ("HL-08", "HL-15", "HL-22", "HL-37", "HL-55", "HL-75", "HL-90", "HL-110")

_LINES = (
    _Line("空压机", "螺杆机", "恒砺永磁变频螺杆空压机", _POWERS, "台", 12800, 168000, 0.74, 0.5),
    _Line("空压机", "螺杆机", "恒砺工频螺杆空压机", _POWERS[:6], "台", 9800, 76000, 0.76, 0.5),
    _Line("空压机", "活塞机", "恒砺活塞式空压机",
          ("0.36/8", "0.6/8", "0.9/8", "1.05/12.5", "1.6/10"), "台", 1680, 12600, 0.72, 1.5),
    _Line("空压机", "无油机", "恒砺静音无油空压机", ("30L", "50L", "100L", "160L"), "台", 980, 6800, 0.7, 1.5),
    _Line("后处理", "冷干机", "冷冻式干燥机", _FLOWS, "台", 2600, 21000, 0.72, 0.8),
    _Line("后处理", "吸干机", "微热再生吸附式干燥机", _FLOWS[:5], "台", 6800, 32000, 0.73, 0.3),
    _Line("后处理", "储气罐", "碳钢储气罐",
          ("0.3m³", "0.6m³", "1m³", "1.5m³", "2m³", "3m³"), "只", 860, 9600, 0.78, 0.9),
    _Line("后处理", "过滤器", "精密过滤器", ("Q级", "P级", "S级", "C级"), "只", 260, 1900, 0.64, 2.5),
    _Line("滤芯耗材", "空滤", "空气滤芯", _MODELS, "只", 58, 680, 0.55, 9),
    _Line("滤芯耗材", "油滤", "机油过滤芯", _MODELS, "只", 39, 420, 0.52, 9),
    _Line("滤芯耗材", "油分", "油气分离芯", _MODELS, "只", 168, 1680, 0.58, 7),
    _Line("滤芯耗材", "精滤", "精密滤芯", ("E5", "E7", "E9", "E12", "E16", "E20"), "只", 86, 960, 0.54, 5),
    _Line("润滑油", "螺杆油", "螺杆机专用油", ("4L", "18L", "20L", "200L"), "桶", 128, 5200, 0.66, 8),
    _Line("润滑油", "活塞机油", "活塞机专用油", ("1L", "4L", "18L"), "桶", 36, 560, 0.64, 5),
    _Line("润滑油", "食品级油", "食品级合成油", ("4L", "18L"), "桶", 420, 2300, 0.62, 1),
    _Line("电机电控", "电机", "高效三相电机", _POWERS, "台", 780, 16800, 0.76, 0.6),
    _Line("电机电控", "变频器", "通用变频器", _POWERS, "台", 690, 12800, 0.73, 0.8),
    _Line("电机电控", "控制器", "空压机控制器",
          ("MAM-860", "MAM-880", "MAM-6080", "PLOT-S"), "只", 420, 2600, 0.63, 1.2),
    _Line("气动元件", "气管", "聚氨酯气管", ("6×4", "8×5", "10×6.5", "12×8", "16×12"), "卷", 68, 560, 0.62, 5),
    _Line("气动元件", "接头", "快插接头",
          ("PC6-01", "PC8-02", "PC10-03", "PC12-04", "SM20", "PM20"), "包", 18, 160, 0.5, 6),
    _Line("气动元件", "电磁阀", "二位五通电磁阀", ("DC24V", "AC220V"), "只", 86, 190, 0.58, 4),
    _Line("气动元件", "气缸", "标准气缸",
          ("32×50", "40×100", "50×100", "63×200", "80×200", "100×300"), "只", 96, 880, 0.6, 3),
    _Line("阀门配件", "进气阀", "进气阀总成", _MODELS[:6], "套", 380, 3600, 0.6, 1),
    _Line("阀门配件", "温控阀", "温控阀芯", ("71℃", "83℃", "91℃"), "套", 98, 460, 0.55, 1.6),
    _Line("阀门配件", "联轴器", "弹性联轴器", _MODELS[:6], "只", 120, 1480, 0.58, 0.9),
    _Line("阀门配件", "皮带", "三角皮带", ("A型", "B型", "SPB", "SPC"), "根", 16, 120, 0.5, 3),
    _Line("服务", "保养", "螺杆机保养套餐", ("2000小时", "4000小时", "8000小时"), "次", 380, 4600, 0.45, 4),
    _Line("服务", "维修", "主机大修", ("22kW以下", "37-75kW", "90kW以上"), "次", 3800, 26000, 0.55, 0.3),
    _Line("服务", "巡检", "空压站巡检", ("单机", "整站"), "次", 200, 800, 0.4, 2),
    _Line("服务", "租赁", "空压机月租", ("22kW", "37kW", "75kW"), "月", 1500, 7200, 0.5, 0.4),
)  # fmt: skip
_FROM_PRICE_OF_MACHINE = 2000_00


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All products as columns: money in fen, `company` and `person` say how often such customers buy each."""

    codes: tuple[str, ...]
    names: tuple[str, ...]
    categories: tuple[str, ...]
    sub_categories: tuple[str, ...]
    units: tuple[str, ...]
    price: Ints
    cost: Ints
    company: Floats
    person: Floats


@cache
def catalogue() -> Catalogue:
    """The products, the same in every demo."""
    rows = [
        (line, f"{line.name} {size}", _price(line, place), line.often / len(line.sizes))
        for line in _LINES
        for place, size in enumerate(line.sizes)
    ]
    price = np.array([price for _, _, price, _ in rows], dtype=np.int64)
    often = np.array([often for *_, often in rows])
    is_machine = price >= _FROM_PRICE_OF_MACHINE
    return Catalogue(
        codes=tuple(f"HL{place:05d}" for place in range(10001, 10001 + len(rows))),
        names=tuple(name for _, name, _, _ in rows),
        categories=tuple(line.category for line, *_ in rows),
        sub_categories=tuple(line.sub_category for line, *_ in rows),
        units=tuple(line.unit for line, *_ in rows),
        price=price,
        cost=np.array([round(int(one) * line.cost) for one, (line, *_) in zip(price, rows, strict=True)], dtype=np.int64),
        company=often,
        # Workshops rarely buy machines; what they wear out is the same.
        person=np.where(is_machine, often * 0.18, often),
    )


def _price(line: _Line, place: int) -> int:
    """Price in fen, rising by equal ratios over the sizes and ending in 8 yuan or a whole ten."""
    step = place / max(len(line.sizes) - 1, 1)
    yuan = line.low * (line.high / line.low) ** step
    rounded = round(yuan) if yuan < 100 else round(yuan, -1) if yuan < 10_000 else round(yuan, -2)
    return int(rounded) * 100


def product_ids(size: DemoSize) -> pl.Series:
    """Identifiers of the products, in catalogue order."""
    return uuids(_created(size), size.random("products"))


def _created(size: DemoSize) -> Ints:
    return size.opening + np.arange(len(catalogue().names), dtype=np.int64) * 60_000_000


def product_frame(size: DemoSize) -> pl.DataFrame:
    """The table of products."""
    goods = catalogue()
    made = moments(_created(size))
    return pl.DataFrame(
        {
            "id": product_ids(size),
            "created_at": made,
            "updated_at": made,
            "code": goods.codes,
            "name": goods.names,
            "category": goods.categories,
            "sub_category": goods.sub_categories,
            "unit": goods.units,
            "price": decimals(goods.price * 100),
            "cost": decimals(goods.cost * 100),
        }
    ).with_columns(
        owner_id=pl.lit(None, dtype=pl.Int32),
        team_id=pl.lit(None, dtype=pl.Int32),
        version=pl.lit(1, dtype=pl.Int32),
        custom=pl.lit("{}"),
        batch_id=pl.lit(None, dtype=pl.String),
        is_active=pl.lit(True),
    )
