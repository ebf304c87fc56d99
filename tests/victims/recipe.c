/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * recipe - two bugs in one program, which tests build in many ways: recipe salt | recipe pepper.
 *
 * "salt" goes through a NULL pointer deep in inlined functions, "pepper" below another path of
 * them. VERSION 2 has more code around both, so that each line and address is another one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef VERSION
#define VERSION 1
#endif

struct pot {
    int *salt;
    int *pepper;
    int water;
};

static volatile int tasted; /* what happens after a call keeps it from being a jump */

#if VERSION > 1
static int wash(int hands)
{
    for (int i = 0; i < hands; i++)
        tasted += i;
    return tasted;
}
#endif

static inline int pinch(const int *of)
{
    return *of;
}

static inline int season(const int *with)
{
    int amount = pinch(with);
    tasted += amount;
    return amount;
}

__attribute__((noinline)) static int boil(struct pot *pot)
{
    int taste = season(pot->salt);
    tasted += pot->water;
    return taste;
}

__attribute__((noinline)) static int fry(struct pot *pot)
{
    int taste = season(pot->pepper);
    tasted -= pot->water;
    return taste;
}

__attribute__((noinline)) static int cook(struct pot *pot, const char *recipe)
{
#if VERSION > 1
    if (wash(pot->water) < 0)
        return -1;
#endif
    int taste = strcmp(recipe, "salt") == 0 ? boil(pot) : fry(pot);
    tasted += taste;
    return taste;
}

int main(int argc, char **argv)
{
    struct pot pot = {.water = argc};
    int taste = cook(&pot, argc > 1 ? argv[1] : "pepper");
    printf("%d\n", taste);
    return EXIT_SUCCESS;
}
