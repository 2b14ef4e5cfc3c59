package pgserver

import "syscall"

// userNamespaces says that the system has them; a container may still forbid it.
const userNamespaces = true

// endWithParent asks for a clean stop of the child when this process dies.
func endWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGINT }

// enterNamespace makes root look like an ordinary user to the child.
func enterNamespace(attr *syscall.SysProcAttr) {
	const ordinary = 1000
	attr.Cloneflags |= syscall.CLONE_NEWUSER
	attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: ordinary, HostID: 0, Size: 1}}
	attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: ordinary, HostID: 0, Size: 1}}
	attr.GidMappingsEnableSetgroups = false
}
