from django.db import migrations

# As Django's cache in the database wants it. Unlogged: it may be empty after a crash, and costs no write-ahead log.
MAKE = """
create unlogged table kernel_cache (cache_key varchar(255) primary key, value text not null, expires timestamptz not null);
create index kernel_cache_expires on kernel_cache (expires);
"""


class Migration(migrations.Migration):

    dependencies = [
        ('kernel', '0010_work'),
    ]

    operations = [
        migrations.RunSQL(MAKE, 'drop table kernel_cache'),
    ]
