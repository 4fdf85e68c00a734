from django.apps import AppConfig


class ServerConfig(AppConfig):
    name = "zhike.server"
    label = "server"
