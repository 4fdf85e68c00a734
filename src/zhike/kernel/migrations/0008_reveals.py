from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('kernel', '0008_rights2'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='change',
            index=models.Index(condition=models.Q(('verb', 'reveal')), fields=['actor_id', '-at'], name='change_reveal'),
        ),
    ]
