"""Viewings: a stone is in one place at a time.

Rooms of this house, by first word:
rules, occupying, rows   who may sit where and when, and what that occupies; pure
facts, claims            what the checks look at, and the table that is the referee
service                  the verbs: booking, moving, attending, waiting, ending; sweeping does what time brings
vectors, vector_house    the public vectors, played through those verbs
local_times, opening, slots, finding   the clock of an office, its hours, and what is free
places, lines            offices with rooms and desks; where a stone is and will be
calendar, feeds          invitations and feeds for other calendars
desk, custody, passes    the day at the office
rotation                 trays that go round the desks of a tender
"""
