from django.urls import include, path

urlpatterns = [path("", include("zhike.kernel.screens.urls"))]
