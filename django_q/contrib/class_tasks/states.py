"""The states of a class task, as its users read them."""

WAIT, RUNNING, STOPPED = "WAIT", "RUNNING", "STOPPED"
SUCCESS, ERROR, EXCEPTION = "SUCCESS", "ERROR", "EXCEPTION"

#: The task has ended by itself, and has an output.
ENDED = (SUCCESS, ERROR, EXCEPTION)
#: Nothing runs and nothing waits; the task can be restarted.
AT_REST = (*ENDED, STOPPED)
KNOWN = (WAIT, RUNNING, STOPPED, *ENDED)
