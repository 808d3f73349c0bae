"""`python -m deploy up|down|status|logs|doctor`: what the Makefile calls.

Exit codes: 0 done; 1 something of ours does not work; 2 wrong usage; 3 not running; 4 the environment is not right.
"""

import sys

from deploy import doctor, down, logs, stack, status, tell, up
from pipeline.errors import SettingsError

COMMANDS = {"up": up.up, "down": down.down, "status": status.status, "logs": logs.logs, "doctor": doctor.doctor}


def main(arguments: list[str]) -> int:
    """Run one command; every refusal is three lines: what, why, what to do."""
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        tell.complain(f"Usage: python -m deploy {'|'.join(COMMANDS)}")
        return 2
    try:
        return COMMANDS[arguments[0]](stack.read())
    except tell.Problem as problem:
        tell.complain(str(problem))
        return problem.exit_code
    except SettingsError as wrong:
        return tell.wrong_setting(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
