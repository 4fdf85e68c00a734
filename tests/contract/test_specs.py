"""A declaration names what exists, and nothing is declared without being tested."""

from __future__ import annotations

from django.urls import URLResolver, get_resolver

from tests.contract.routes import ROUTES
from tests.made import CHANGES, FORMS, MAKERS
from zhike.kernel.history import tracked_models
from zhike.kernel.policy import policy_of
from zhike.kernel.registry import objects
from zhike.kernel.spec import ObjectSpec
from zhike.org.ready_roles import ROLES, ready_grants


def test_every_named_field_exists(spec: ObjectSpec) -> None:
    assert spec.unknown_paths() == []


def test_default_columns_are_declared_columns(spec: ObjectSpec) -> None:
    assert [path for path in spec.default_columns if spec.column(path) is None] == []


def test_sorts_are_never_null_and_served_by_an_index(spec: ObjectSpec) -> None:
    for sort in spec.sorts:
        assert not getattr(spec.model._meta.get_field(sort.key), "null", True), sort.key
        ordered = [index.fields_orders for index in spec.model._meta.indexes]
        assert [(sort.key, "DESC"), ("id", "DESC")] in ordered, f"no index for all rows by {sort.key}"
        if not spec.policy.shared and not spec.policy.parent:
            for scope in ("owner", "team"):
                assert [(scope, ""), (sort.key, "DESC"), ("id", "DESC")] in ordered, f"no index for {scope} by {sort.key}"


def test_required_fields_are_in_the_form(spec: ObjectSpec) -> None:
    if spec.form:
        assert set(spec.required) <= {*spec.form, *spec.form_more}


def test_some_role_may_view_it(spec: ObjectSpec) -> None:
    assert [code for code in ROLES if (spec.policy.label, "view") in {grant[:2] for grant in ready_grants(code)}]


def test_it_has_samples_here(spec: ObjectSpec) -> None:
    assert spec.label in MAKERS
    assert spec.label in CHANGES
    assert not spec.form or spec.label in FORMS


def test_slugs_are_told_apart() -> None:
    slugs = [spec.slug for spec in objects]
    assert sorted(set(slugs)) == sorted(slugs)


# Tables with a history that no page reads by themselves: files and shares through their record, answers by who gave them.
READ_WITH_OTHERS = {"org.loginpolicy", "org.singlesignon", "kernel.attachment", "kernel.share", "sales.suggestionanswer"}


def test_every_table_with_history_has_a_policy() -> None:
    missing = []
    for model in tracked_models():
        try:
            policy_of(model)
        except KeyError:
            missing.append(model._meta.label_lower)
    assert set(missing) <= READ_WITH_OTHERS


def _routes(resolver: URLResolver, above: str = "") -> list[str]:
    found = []
    for item in resolver.url_patterns:
        route = above + str(item.pattern)
        found += _routes(item, route) if isinstance(item, URLResolver) else [route]
    return found


def test_every_address_is_in_the_table_of_routes() -> None:
    assert sorted(set(_routes(get_resolver()))) == sorted(ROUTES)
