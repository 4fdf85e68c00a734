"""How products are listed, shown and found."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from zhike.kernel.lists.conditions import batch_filter
from zhike.kernel.policy import shared
from zhike.kernel.registry import objects
from zhike.kernel.spec import Column, Filter, ObjectSpec, Panel, SearchSource, Sort
from zhike.kernel.text.pinyin import sort_key

from .models import Product


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
        columns=(
            Column(path="name", cell="name", phone="name"),
            Column(path="code", phone="seg"),
            Column(path="category", phone="cls"),
            Column(path="sub_category"),
            Column(path="unit"),
            Column(path="price", cell="money", phone="amt"),
            Column(path="cost", cell="money"),
            Column(path="is_active", cell="boolean"),
            Column(path="updated_at", cell="date"),
        ),
        default_columns=("name", "code", "category", "sub_category", "price", "is_active", "updated_at"),
        sorts=(Sort(key="updated_at"),),
        filters=(
            Filter(name="category", label=_("类别"), covered=True),
            batch_filter(),
            Filter(name="sub_category", label=_("子类别")),
            Filter(name="price", label=_("标价"), kind="range"),
        ),
        panels=(
            Panel(title=_("资料"), fields=("code", "name", "category", "sub_category", "unit", "price", "cost", "is_active")),
            Panel(title=_("备注"), fields=("remark",)),
        ),
        form=("code", "name", "category", "price"),
        form_more=("sub_category", "unit", "cost", "remark"),
        required=("code", "name"),
        search=SearchSource(title="name", code="code", note=lambda product: product.code),
        prepare=prepare_product,
        facts=lambda product: [product.code, product.category, product.sub_category],
    )
)
