// SPDX-License-Identifier: GPL-2.0-or-later
// shelf.d - reads where nothing is: a template, a class, a delegate and recursion on the way there.
module shelf;

struct Book(T)
{
    T pages;
    T read(T[] from) { return from.ptr[cast(size_t) pages]; }
}

class Reader
{
    int look(Book!int book, const(char)[] title)
    {
        int[] nothing;
        return book.read(nothing) + cast(int) title.length;
    }
}

int walk(int delegate(int) next, int depth)
{
    return depth ? walk(next, depth - 1) + 1 : next(depth);
}

int main(string[] args)
{
    auto reader = new Reader;
    return walk((int n) => reader.look(Book!int(n), "title"), 2);
}
