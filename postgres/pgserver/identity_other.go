//go:build !linux

package pgserver

import "syscall"

// userNamespaces says that the system has none.
const userNamespaces = false

// endWithParent does nothing: only Linux tells a child that its parent died.
func endWithParent(*syscall.SysProcAttr) {}

// enterNamespace is not called.
func enterNamespace(*syscall.SysProcAttr) {}
