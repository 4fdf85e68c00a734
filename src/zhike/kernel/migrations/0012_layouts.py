from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('kernel', '0011_cache'),
    ]

    operations = [
        migrations.AlterField(
            model_name='layout',
            name='role_id',
            field=models.IntegerField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name='layout',
            name='panels',
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name='layout',
            name='form_off',
            field=models.JSONField(blank=True, default=list),
        ),
    ]
