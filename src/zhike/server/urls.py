"""Addresses: log-in first, then the domains' own pages, then the generic ones of the kernel."""

from django.urls import include, path
from django.views.i18n import set_language

from zhike.analytics.screens import urlpatterns as analytics
from zhike.customers.screens import urlpatterns as customers
from zhike.orders.screens import urlpatterns as orders
from zhike.org.entry.account_screens import urlpatterns as account
from zhike.org.entry.login_screens import urlpatterns as login_settings
from zhike.org.field_screens import urlpatterns as field_roles
from zhike.org.people.screens import urlpatterns as people
from zhike.org.people.team_screens import urlpatterns as teams
from zhike.org.roles.following_screens import urlpatterns as following
from zhike.org.roles.screens import urlpatterns as roles
from zhike.org.roles.who_screens import urlpatterns as who
from zhike.sales.screens import urlpatterns as sales
from zhike.server.login_urls import urlpatterns as way_in

urlpatterns = [
    *way_in,
    *account,
    *login_settings,
    path("i18n/setlang/", set_language, name="set_language"),
    *sales,
    *customers,
    *orders,
    *analytics,
    *people,
    *teams,
    *roles,
    *following,
    *who,
    *field_roles,
    path("", include("zhike.kernel.api.urls")),
    path("", include("zhike.kernel.screens.urls")),
]

handler400 = "zhike.server.errors.bad_request"
handler403 = "zhike.server.errors.forbidden"
handler404 = "zhike.server.errors.not_found"
handler500 = "zhike.server.errors.failed"
handler429 = "zhike.server.errors.too_many"
