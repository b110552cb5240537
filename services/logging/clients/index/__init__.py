"""Our own index: tantivy, one index a day and kind. The library is imported when the first document comes or is asked
for, and stays in this folder.
"""
