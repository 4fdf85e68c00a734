from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('customers', '0003_facets'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='contact',
            index=models.Index(fields=['owner', '-updated_at', '-id'], name='contact_own_updated'),
        ),
        migrations.AddIndex(
            model_name='contact',
            index=models.Index(fields=['team', '-updated_at', '-id'], name='contact_team_updated'),
        ),
    ]
