"""Products from files: one without a name is called by its code, and its code is its name where a file has none."""

from __future__ import annotations

from dataclasses import replace

from zhike.kernel.imports.declared import declared_entity
from zhike.kernel.imports.targets import Entity, ImportTarget, Names, add_target
from zhike.kernel.registry import objects

from .models import Product


def _on_create(mapped: Names) -> dict[str, str]:
    told = [f's."{name}"' for name in ("line.name", "product.code") if name in mapped]
    return {"name": f"coalesce({', '.join(told)})"} if told else {}


def _computed(mapped: Names) -> dict[str, str]:
    if "product.name" in mapped and "product.code" not in mapped:
        return {"code": 'left(s."product.name", 80)'}
    return {}


def product_entity() -> Entity:
    """A product as declared, told apart by its code."""
    return replace(declared_entity(objects.of(Product)), computed=_computed, on_create=_on_create)


PRODUCTS = objects.of(Product)
add_target(ImportTarget(name="products", title=PRODUCTS.title, main="product", entities=(product_entity(),), rank=30))
