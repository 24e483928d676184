"""What a student keeps of its teacher's safeguards, and of text that is not to be learned by heart.

Refusals, over-refusals and protected text are reported side by side, never as one score of safety.
"""
