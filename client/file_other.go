//go:build !windows && (!unix || solaris || aix)

package client

import (
	"errors"
	"os"
)

const noFollow = 0

// tryLock refuses: without a lock two processes would refresh at once.
func tryLock(*os.File) (bool, error) { return false, errors.ErrUnsupported }

func openPrivate(path string) (*os.File, error) { return os.Open(path) }

func checkDirectory(string) error { return nil }

func syncDirectory(string) error { return nil }
