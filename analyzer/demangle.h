/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * demangle.h - names of functions as people write them: C++ (Itanium), Rust (legacy and v0), D.
 */
#pragma once

/* A new string, or NULL where `symbol` is not mangled. Parameters are shown, Rust's hashes
 * and what a template returns are not. */
char *demangle(const char *symbol);

/* The type that C++'s std::type_info::name() stands for ("St13runtime_error"); NULL: not one. */
char *demangle_type(const char *name);
