"""Two records side by side: what moved, by how much. It is no gate, and accepts nothing.

Nothing heavy is imported here: a command line that starts does without.
"""
