"""A kernel that takes no bound of memory, as that of macOS: what a process begins with to have one."""

NO_BOUND_OF_MEMORY = """
import resource
takes = resource.setrlimit
def setrlimit(which, limits):
    if which == resource.RLIMIT_AS:
        raise ValueError("current limit exceeds maximum limit")
    takes(which, limits)
resource.setrlimit = setrlimit
"""
