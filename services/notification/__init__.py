"""Notification: owns the addresses of users and the letters to them; publishes what became of each letter; reacts to
accounts' events about users and members.
"""
