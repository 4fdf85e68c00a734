from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('kernel', '0005_share_notes'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='change',
            index=models.Index(condition=models.Q(('verb', 'reveal')), fields=['actor_id', '-at'], name='change_reveal'),
        ),
    ]
