"""Coverage-guided fuzzing (atheris) of everything that reads what somebody else wrote.

python -m tests.fuzz TARGET... --minutes N     long runs; without targets, all of them
"""
