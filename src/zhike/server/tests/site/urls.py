"""Addresses of the test site."""

from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.urls import re_path

from zhike.server.companies import company_for_host, use_company


def where(request: HttpRequest) -> JsonResponse:
    """The company the host names and the database its queries reach."""
    company = company_for_host(request.get_host())
    if company is None:
        return JsonResponse({"company": None})
    with use_company(company), connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        return JsonResponse({"company": company.slug, "database": cursor.fetchone()[0]})


urlpatterns = [re_path("", where)]
