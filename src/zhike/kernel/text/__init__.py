"""Chinese text: folding, pinyin, names, phones, identifiers, days."""

import os

# We read single characters; the phrases of pypinyin are 40 MB that every process would hold.
os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
