"""What people read: triage sheet, war-room guide, status updates, briefs, reviews and reports."""
