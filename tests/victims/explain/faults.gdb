# Where gdb 13 is not right, or no more than another: patterns of KIND.WAY, and why.
musl.abort|musl has no call frame information: gdb goes on with whatever is on the stack
musl.assert|the same
musl.double-free|the same, and it ends in functions that were never called
musl.kill|the same
musl.through-handler|the same
musl.in-handler|gdb takes musl's trampoline for the function before it, setjmp
musl.null-handler|the same
musl.in-vdso|the same
*.in-jit|gdb finds what was generated twice, the second time as a function of where its code was copied from
