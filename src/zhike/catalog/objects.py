"""How products are listed, shown and found."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from zhike.kernel.declaring import columns, filters
from zhike.kernel.policy import shared
from zhike.kernel.registry import objects
from zhike.kernel.spec import Importable, ObjectSpec, Panel, Rail, SearchSource, Sort
from zhike.kernel.text.pinyin import sort_key
from zhike.org.ready_roles import SHARED

from .models import Product

HEADINGS = {
    "code": ("产品编号", "产品 ID", "产品编码", "商品编号", "商品编码", "商品ID", "货号", "SKU", "物料编码", "product code", "product id",
             "item code", "stock code", "sku", "product number"),
    "name": ("产品名称", "产品", "商品名称", "商品", "品名", "货品名称", "product name", "product", "item name", "item", "description",
             "product title"),
    "category": ("类别", "产品类别", "商品类别", "品类", "大类", "一级分类", "分类", "category", "product category", "series", "product line"),
    "sub_category": ("子类别", "子类", "小类", "二级分类", "sub category", "subcategory"),
    "unit": ("单位", "计量单位", "unit", "uom"),
    "price": ("标价", "售价", "零售价", "定价", "list price", "sales price", "retail price", "msrp"),
    "cost": ("成本", "成本价", "进价", "cost", "cost price"),
    "is_active": ("在售", "启用", "上架", "active", "is active"),
}  # fmt: skip


def prepare_product(values: dict[str, Any]) -> dict[str, Any]:
    """Product values as stored."""
    if "name" in values:
        values["sort_key"] = sort_key(str(values["name"]))[:200]
    return values


objects.add(
    ObjectSpec(
        model=Product,
        policy=shared("catalog.product"),
        slug="products",
        title=_("产品"),
        plural=_("产品"),
        icon="package",
        unit=_("个"),
        columns=columns(Product, "name", "code", "category", "sub_category", "unit", "price", "cost", "is_active", "updated_at"),
        default_columns=("name", "code", "category", "sub_category", "price", "is_active", "updated_at"),
        sorts=(Sort(key="updated_at"),),
        filters=filters(Product, "category", "sub_category", "price", "is_active", covered=("category", "is_active")),
        panels=(
            Panel(title=_("资料"), fields=("code", "name", "category", "sub_category", "unit", "price", "cost", "is_active")),
            Panel(title=_("备注"), fields=("remark",)),
        ),
        form=("code", "name", "category", "price"),
        form_more=("sub_category", "unit", "cost", "remark"),
        required=("code", "name"),
        importable=Importable(
            fields=("code", "name", "category", "sub_category", "unit", "price", "cost", "is_active"),
            keys=(("code",),),
            headings=HEADINGS,
            weights={"code": 1.1, "price": 0.9},
            derived={"sort_key": ("name",)},
            rank=30,
        ),
        grants=SHARED,
        rail=Rail(rank=40, hotkey="p"),
        search=SearchSource(title="name", code="code", note=lambda product: product.code),
        prepare=prepare_product,
        facts=lambda product: [product.code, product.category, product.sub_category],
    )
)
