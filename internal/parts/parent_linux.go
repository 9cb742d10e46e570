package parts

import "syscall"

// endWithParent makes the kernel kill the process when the one that started it is gone.
func endWithParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }
