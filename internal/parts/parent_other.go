//go:build unix && !linux

package parts

import "syscall"

// endWithParent does nothing: only Linux can tie a process to its parent.
func endWithParent(*syscall.SysProcAttr) {}
