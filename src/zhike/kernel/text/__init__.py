"""Chinese text: folding, pinyin, keys of names, telephone and company numbers, working days, lunar birthdays."""
