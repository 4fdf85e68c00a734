"""Jobs of the test site."""

from asgiref.sync import sync_to_async
from django.db import connection
from procrastinate.contrib.django import app


@app.task(name="note_database")
def note_database(word: str) -> None:
    """Write down in the job's own database which database the job ran in."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS noted (word text, database text)")
        cursor.execute("INSERT INTO noted VALUES (%s, current_database())", [word])


@app.periodic(cron="* * * * * */2")
@app.task(name="note_regularly", queueing_lock="note_regularly")
async def note_regularly(timestamp: int) -> None:
    """The same, as a coroutine, put into every company's queue each other second."""
    await sync_to_async(note_database.func)("regularly")
