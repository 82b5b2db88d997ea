# SPDX-License-Identifier: Apache-2.0
"""The policies of the end-to-end tests, in one place."""
from people import ONE, TWO

# ONE develops models, TWO only looks, and /secret and /prod are closed to both in different ways.
# Everybody may do everything.
OPEN = """\
format = 1

[[permit]]
name = "all"
who = ["everyone"]
may = ["*"]
where = ["/**"]
"""

TEAM = f"""\
format = 1

[roles]
admins = {{ users = ["root"] }}
developers = {{ users = ["{ONE}"] }}
viewers = {{ users = ["{TWO}"] }}

[[permit]]
name = "admins-all"
who = ["admins"]
may = ["*"]
where = ["/**"]

[[permit]]
name = "everyone-lists"
who = ["everyone"]
may = ["list"]
where = ["/**"]

[[permit]]
name = "developers-work"
who = ["developers"]
may = ["read", "write", "create", "delete", "tag"]
where = ["/**"]
not_where = ["/secret/**", "/prod/**"]

[[permit]]
name = "viewers-read"
who = ["viewers"]
may = ["read"]
where = ["/shared/**"]

[[permit]]
name = "developers-read-prod"
who = ["developers"]
may = ["read"]
where = ["/prod/**"]

[[audit]]
where = ["/fast/**"]
depth = "open"

[[visibility]]
where = ["/**/*.log"]
visibility = "write"

[[retention]]
name = "models-1y"
where = ["/shared/**"]
keep = "365d"
purge_after = "730d"
"""

# Forbids hold for root too: what is below these folders is made before this is active.
GUARDED = TEAM + """
[[forbid]]
name = "never-touch-frozen"
who = ["everyone"]
may = ["write", "delete"]
where = ["/shared/frozen/**", "/shared/top/kept/**"]
"""

# For hostile users: each folder lacks one right. ONE is the developer, TWO the viewer.
HOSTILE = f"""\
format = 1

[roles]
admins = {{ users = ["root"] }}
developers = {{ users = ["{ONE}"] }}
viewers = {{ users = ["{TWO}"] }}

[[permit]]
name = "admins-all"
who = ["admins"]
may = ["*"]

[[permit]]
name = "everyone-lists"
who = ["everyone"]
may = ["list"]
not_where = ["/closed/**"]

[[permit]]
name = "work"
who = ["developers"]
may = ["read", "write", "create", "delete", "tag", "promote"]
where = ["/work/**", "/strict/**"]

[[permit]]
name = "viewers-read"
who = ["viewers"]
may = ["read"]
where = ["/work/**"]

[[permit]]  # what lies there can be replaced and removed, not read
name = "blind"
who = ["developers"]
may = ["write", "create", "delete"]
where = ["/blind/**"]

[[permit]]  # … brought and read
name = "inbox"
who = ["developers"]
may = ["read", "create"]
where = ["/inbox/**"]

[[permit]]  # … changed, not removed
name = "keep"
who = ["developers"]
may = ["read", "write", "create"]
where = ["/keep/**"]

[[permit]]  # … taken away
name = "outbox"
who = ["developers"]
may = ["read", "delete"]
where = ["/outbox/**"]

[[lifecycle]]
name = "strict"
where = ["/strict/**"]
stages = ["draft", "validation"]

[[lifecycle.transition]]
from = "draft"
to = "validation"
who = ["admins"]

[[audit]]
where = ["/work/fast/**"]
depth = "open"
"""
