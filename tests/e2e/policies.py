# SPDX-License-Identifier: Apache-2.0
"""The policies of the end-to-end tests, in one place."""
from people import ONE, TWO

# ONE develops models, TWO only looks, and /secret and /prod are closed to both in different ways.
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
