// How far it is: a bar on a terminal, a line now and then elsewhere.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

class progress {
public:
    explicit progress(std::size_t total);
    void add(bool succeeded);
    void clear(); ///< before something else is written

private:
    void draw();
    std::string figures() const;

    using clock = std::chrono::steady_clock;
    std::size_t total_, done_ = 0, failed_ = 0;
    bool is_terminal_, is_drawn_ = false;
    clock::time_point began_ = clock::now();
};
