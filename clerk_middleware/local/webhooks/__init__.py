"""The webhooks that LocalClerk sends: signed, retried and sent again as Svix does it for Clerk.

It has code of its own for that, and none of what an application verifies them with.
"""
