"""Actions of staff on candidates: flags, attendance, notes, pauses, time, rooms, withdrawal, submissions taken back."""
