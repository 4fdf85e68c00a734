"""Products from files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from zhike.kernel.imports.targets import Derive, Entity, ImportField, ImportTarget, Key, Names, add_target
from zhike.kernel.imports.values import FieldShape, Kind
from zhike.kernel.later import Later
from zhike.kernel.text.pinyin import sort_keys

from .models import Product

if TYPE_CHECKING:
    import polars as pl
else:
    pl = Later("polars")

MONEY = FieldShape(kind=Kind.DECIMAL)

FIELDS = (
    ImportField(
        name="code", title=_("产品编号"), shape=FieldShape(kind=Kind.CODE, max_length=80), weight=1.1,
        names=("产品编号", "产品 ID", "产品编码", "商品编号", "商品编码", "商品ID", "货号", "SKU", "物料编码", "product code", "product id",
               "item code", "stock code", "sku", "product number"),
    ),
    ImportField(
        name="name", title=_("产品名称"), shape=FieldShape(kind=Kind.TEXT, max_length=300),
        names=("产品名称", "产品", "商品名称", "商品", "品名", "货品名称", "product name", "product", "item name", "item", "description",
               "product title"),
    ),
    ImportField(
        name="category", title=_("类别"), shape=FieldShape(kind=Kind.TEXT, max_length=80),
        names=("类别", "产品类别", "商品类别", "品类", "大类", "一级分类", "分类", "category", "product category", "series", "product line"),
    ),
    ImportField(
        name="sub_category", title=_("子类别"), shape=FieldShape(kind=Kind.TEXT, max_length=80),
        names=("子类别", "子类", "小类", "二级分类", "sub category", "subcategory"),
    ),
    ImportField(name="unit", title=_("单位"), shape=FieldShape(kind=Kind.TEXT, max_length=20), names=("单位", "计量单位", "unit", "uom")),
    ImportField(
        name="price", title=_("标价"), shape=MONEY, weight=0.9,
        names=("标价", "售价", "零售价", "定价", "list price", "sales price", "retail price", "msrp"),
    ),
    ImportField(name="cost", title=_("成本"), shape=MONEY, names=("成本", "成本价", "进价", "cost", "cost price")),
    ImportField(name="is_active", title=_("在售"), shape=FieldShape(kind=Kind.BOOLEAN), names=("在售", "启用", "上架", "active", "is active")),
)  # fmt: skip


def _sort_keys(frame: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame({"sort_key": [key[:200] for key in sort_keys(frame["name"].to_list())]}, schema={"sort_key": pl.String})


def _on_create(mapped: Names) -> dict[str, str]:
    told = [f's."{name}"' for name in ("line.name", "product.code") if name in mapped]
    return {"name": f"coalesce({', '.join(told)})"} if told else {}


def _computed(mapped: Names) -> dict[str, str]:
    if "product.name" in mapped and "product.code" not in mapped:
        return {"code": 'left(s."product.name", 80)'}
    return {}


def product_entity() -> Entity:
    """A product, told apart by its code, which is its name where a file has no codes; one without a name is called by its code."""
    return Entity(
        name="product",
        model=Product,
        fields=FIELDS,
        keys=(Key(name="code", columns=("code",)),),
        computed=_computed,
        on_create=_on_create,
        required=("name",),
        derive=Derive(reads=("name",), writes=("sort_key",), make=_sort_keys),
    )


add_target(ImportTarget(name="products", title=_("产品"), main="product", entities=(product_entity(),), rank=30))
