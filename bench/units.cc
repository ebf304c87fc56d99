/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * units.cc - one unit of a program with much debug information. explain.py compiles it once and makes
 * as many of it as it needs by giving unit0000 other numbers in the assembly: each calls the next.
 */
#include <algorithm>
#include <filesystem>
#include <functional>
#include <future>
#include <iostream>
#include <map>
#include <numeric>
#include <random>
#include <regex>
#include <string>
#include <thread>
#include <unordered_map>
#include <variant>
#include <vector>

namespace unit0001 {
int run(int number);
}

namespace unit0000 {

struct Item {
    std::string name;
    std::vector<int> numbers;
    std::variant<int, std::string> value;
};

inline int weigh(const std::map<std::string, Item> &items, const std::string &name)
{
    auto found = items.find(name);
    if (found == items.end())
        return 0;
    const std::vector<int> &numbers = found->second.numbers;
    return std::accumulate(numbers.begin(), numbers.end(), 0);
}

static bool matches(const std::string &text)
{
    static const std::regex pattern("[a-z]+([0-9]*)");
    return std::regex_match(text, pattern);
}

__attribute__((noinline)) int run(int number)
{
    std::map<std::string, Item> items;
    items["one"] = Item{"one", {1, 2, number}, 3};
    std::unordered_map<std::string, std::function<int(int)>> calls;
    calls["next"] = [&](int left) { return unit0001::run(left) + weigh(items, "one"); };
    return matches("abc1") ? calls["next"](number + 1) + 1 : 0;
}

} // namespace unit0000
