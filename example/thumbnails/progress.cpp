#include "progress.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <sys/ioctl.h>
#include <unistd.h>

namespace {

constexpr int stream = STDERR_FILENO; // what can be piped into something else goes to the standard output

bool can_draw()
{
    char const* terminal = std::getenv("TERM");
    return ::isatty(stream) && terminal && std::string_view{terminal} != "dumb";
}

std::size_t columns()
{
    winsize size{};
    return ::ioctl(stream, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string minutes(double seconds)
{
    char text[32];
    auto whole = static_cast<long>(seconds + 0.5);
    std::snprintf(text, sizeof text, "%ld:%02ld", whole / 60, whole % 60);
    return text;
}

} // namespace

progress::progress(std::size_t total) : total_(total), is_terminal_(can_draw())
{
    if (is_terminal_)
        draw();
}

void progress::add(bool succeeded)
{
    ++done_;
    failed_ += !succeeded;
    if (is_terminal_)
        draw();
    else if (done_ * 10 / total_ > (done_ - 1) * 10 / total_) // each tenth
        std::fprintf(stderr, "%s\n", figures().c_str());
}

void progress::clear()
{
    if (is_drawn_)
        std::fputs("\r\033[K", stderr);
    is_drawn_ = false;
}

std::string progress::figures() const
{
    std::chrono::duration<double> elapsed = clock::now() - began_;
    double rate = static_cast<double>(done_) / std::max(elapsed.count(), 0.001);
    auto text = std::to_string(done_) + '/' + std::to_string(total_);
    if (done_ > 0) {
        char per_second[32];
        std::snprintf(per_second, sizeof per_second, "  %.1f/s  ", rate);
        text += per_second + minutes(static_cast<double>(total_ - done_) / rate) + " left";
    }
    if (failed_ > 0)
        text += "  " + std::to_string(failed_) + " failed";
    return text;
}

void progress::draw()
{
    constexpr std::size_t for_figures = 45, longest = 60;
    auto width = columns();
    std::string bar;
    if (width > for_figures + 10 && total_ > 0) {
        auto size = std::min(width - for_figures, longest), full = size * done_ / total_;
        bar = '[' + std::string(full, '#') + std::string(size - full, '.') + "]  ";
    }
    std::fprintf(stderr, "\r%s%s\033[K", bar.c_str(), figures().c_str());
    is_drawn_ = true;
}
