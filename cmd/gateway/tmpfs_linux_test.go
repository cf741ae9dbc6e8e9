package main

import "syscall"

func mountTmpfs(folder, options string) error {
	return syscall.Mount("tmpfs", folder, "tmpfs", 0, options)
}

func unmount(folder string) error { return syscall.Unmount(folder, syscall.MNT_DETACH) }
