# SPDX-License-Identifier: GPL-2.0-or-later
# progress.awk - make check's output as one line a test program, and every failure in full.

function finish_program() {
    if (program != "")
        printf "  %-44s %4d passed%s%s\n", program, passed,
            failed ? ", " failed " FAILED" : "", skipped ? ", " skipped " skipped" : ""
    passed = failed = skipped = 0
    fflush()
}

/^(PASS|XFAIL|FAIL|XPASS|ERROR|SKIP): / {
    if ($2 != program) {
        finish_program()
        program = $2
    }
    if ($1 == "PASS:" || $1 == "XFAIL:")
        passed++
    else if ($1 == "SKIP:")
        skipped++
    else {
        failed++
        print "  " $0
    }
    next
}

/ error: |No rule to make target|\.o\] Error|undefined reference/ { print "  " $0 }

END { finish_program() }
