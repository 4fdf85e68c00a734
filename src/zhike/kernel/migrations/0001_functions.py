"""Functions that table defaults call; they must be there before any table."""

from django.db import migrations

from zhike.kernel.ids import SQL_UUID7


class Migration(migrations.Migration):
    initial = True
    dependencies: list[tuple[str, str]] = []
    operations = [migrations.RunSQL(SQL_UUID7, "drop function zhike_uuid7()")]
