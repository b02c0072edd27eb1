"""Viewings: a stone is in one place at a time.

Rooms of this house, by first word:
rules, claims, service   who may sit where and when, what that occupies, and the verbs that change it
local_times, opening, slots, finding   the clock of an office, its hours, and what is free
places, lines            offices with rooms and desks; where a stone is and will be
calendar, feeds          invitations and feeds for other calendars
desk, custody, passes    the day at the office
rotation                 trays that go round the desks of a tender
"""
