package temporalserver

import "syscall"

// endWithParent kills the child when this process dies: a server that goes on
// stopping would hold its port against its successor.
func endWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
