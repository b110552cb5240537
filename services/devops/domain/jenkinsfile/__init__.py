"""Jenkinsfiles in declarative syntax: read by a parser of our own, and refused by line, column and construct where they
say what isn't understood. Nothing of them is ever executed as Groovy.
"""
