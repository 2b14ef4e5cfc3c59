//go:build !linux

package temporalserver

import "syscall"

// endWithParent does nothing: elsewhere the end of standard input must do.
func endWithParent(*syscall.SysProcAttr) {}
