// SPDX-License-Identifier: GPL-2.0-or-later
// panic.go - reads through a nil pointer, some calls below main, with other goroutines waiting.
package main

import "os"

type shelf struct {
	items []int
	next  *shelf
}

//go:noinline
func (s *shelf) take(depth int) int {
	if depth > 0 {
		return s.take(depth-1) + 1
	}
	return s.next.items[0]
}

func inlined(s *shelf) int {
	return s.take(3) + 1
}

//go:noinline
func walk(s *shelf) int {
	return inlined(s) + len(os.Args)
}

func main() {
	done := make(chan int)
	for i := 0; i < 3; i++ {
		go func() { <-done }()
	}
	os.Exit(walk(&shelf{}))
}
