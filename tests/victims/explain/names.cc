/* SPDX-License-Identifier: GPL-2.0-or-later */
/* names.cc - dies below C++ functions of all kinds: templates, lambdas, operators, inlined calls.
 */
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

volatile int zero;

namespace shop
{

struct Item {
    std::string name;
    int price;
    int *stock;
};

namespace
{

__attribute__((noinline)) int take(const Item &item)
{
    return *item.stock + zero;
}

} // namespace

template <typename T, int Size> struct Basket {
    std::vector<T> items;

    explicit Basket(T first)
    {
        items.push_back(first);
    }

    __attribute__((noinline)) int sum(int until) const
    {
        int total = zero;
        for (const T &item : items)
            total += until > Size ? 0 : take(item);
        return total;
    }

    int operator()(int until) const
    {
        return sum(until) + zero;
    }
};

class Shelf
{
  public:
    virtual ~Shelf() = default;
    virtual int count(const Item &item) = 0;
};

class Wall : public Shelf
{
  public:
    __attribute__((noinline)) int count(const Item &item) override
    {
        Basket<Item, 3> basket(item);
        auto each = [&basket](int until) { return basket(until) + zero; };
        return std::invoke(each, 2) + zero;
    }
};

static inline int always(Shelf &shelf, const Item &item)
{
    return shelf.count(item) + zero;
}

int run(Shelf &shelf)
{
    Item item{"nothing", 1, nullptr};
    return always(shelf, item) + zero;
}

[[noreturn]] __attribute__((noinline)) void refuse(const std::string &what)
{
    throw std::out_of_range("no such item: " + what);
}

struct Sold {
    int number;
};

__attribute__((noinline)) void sell()
{
    throw Sold{zero};
}

__attribute__((noinline)) int promise() noexcept
{
    refuse("promised");
}

} // namespace shop

int main(int argc, char **argv)
{
    std::string way = argc > 1 ? argv[1] : "";
    if (way == "throw")
        shop::refuse("apples");
    if (way == "throw-own")
        shop::sell();
    if (way == "noexcept")
        return shop::promise();
    if (way == "pure") {
        std::map<int, int> map;
        return map.at(1 + zero);
    }
    if (way == "sort") {
        std::vector<int> numbers{3, 1, 2};
        std::sort(numbers.begin(), numbers.end(), [](int a, int b) {
            if (a + zero == 1)
                std::abort();
            return a < b;
        });
    }
    shop::Wall wall;
    return shop::run(wall) + zero;
}
