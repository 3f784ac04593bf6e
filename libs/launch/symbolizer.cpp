// What places in programs and libraries are called.
#include "launch/symbolizer.hpp"

#include "launch/code_file.hpp"
#include "worker/role.hpp"

#include <boost/asio/buffer.hpp>

#include <algorithm>
#include <csignal>
#include <set>

#include <unistd.h>

namespace wodehaus::detail {

namespace {

constexpr std::size_t most_written = 4 << 20;       // bytes of names at once
constexpr std::size_t most_at_once = 1000;          // places, and somewhat more
constexpr std::size_t most_known = 100'000;         // places, before what is known is forgotten

bool is_address(std::string_view line)
{
    return line.starts_with("0x") && std::all_of(line.begin() + 2, line.end(), [](unsigned char c) { return std::isxdigit(c); });
}

std::string_view take_line(std::string_view& from)
{
    auto line = from.substr(0, from.find('\n'));
    from.remove_prefix(std::min(line.size() + 1, from.size()));
    return line;
}

// This program may lie there in another build by now, or not at all.
std::string as_it_runs(std::string const& file)
{
    auto running = "/proc/" + std::to_string(::getpid()) + "/exe";
    return file == this_program() && ::access(running.c_str(), R_OK) == 0 ? running : file;
}

bool is_file(std::string const& path)
{
    std::error_code none;
    return std::filesystem::is_regular_file(path, none);
}

// The kernel's part of a program is no file, and has no path.
bool is_gone(std::string const& path)
{
    std::error_code none;
    return path.starts_with('/') && std::filesystem::status(path, none).type() == std::filesystem::file_type::not_found;
}

std::filesystem::path const& find_addr2line()
{
    static std::filesystem::path const found = find_program("addr2line");
    return found;
}

// A line is from debug information, which may lie in a file of its own. Any other name is that of the nearest exported
// function, whatever it is that lies there.
void remove_guesses(code_names& names)
{
    if (std::all_of(names.begin(), names.end(), [](code_name const& each) { return each.line.empty(); }))
        names.clear();
}

} // namespace

std::vector<code_names> read_code_names(std::string_view written)
{
    std::vector<code_names> all;
    while (!written.empty()) {
        auto line = take_line(written);
        if (is_address(line)) {
            all.emplace_back();
            continue;
        }
        auto where = take_line(written);
        if (all.empty())
            break; // it is not what it should be
        where = where.substr(0, where.find(" (discriminator"));
        bool has_line = !where.starts_with("??") && !where.ends_with(":?") && !where.ends_with(":0");
        all.back().push_back({std::string{line == "??" ? "" : line},
                              has_line ? std::filesystem::path{where}.lexically_normal().native() : ""});
    }
    for (auto& names : all)
        std::erase_if(names, [](code_name const& each) { return each.function.empty() && each.line.empty(); });
    return all;
}

symbolizer::running::running(strand_executor on, int pid, descriptor life, descriptor from)
    : child(on, pid), lifeline(std::move(life)), output(on, from.get())
{
    from.release();
}

symbolizer::symbolizer(strand_executor on, std::shared_ptr<gate> entrance, std::chrono::milliseconds patience)
    : on_(on), entrance_(std::move(entrance)), timer_(on), patience_(patience)
{
}

finding const* symbolizer::known(file_place const& place) const
{
    auto found = known_.find(place);
    return found == known_.end() ? nullptr : &found->second;
}

void symbolizer::find(std::vector<file_place> const& places, std::function<void()> then)
{
    searches_.push_back({places, std::move(then)});
    if (!running_)
        go_on();
}

// Those whose names are all known by now are told; for the first of the others a process is started, for one of its files.
void symbolizer::go_on()
{
    auto self = shared_from_this(); // who is told may let go of us
    while (!running_ && !searches_.empty()) {
        auto unknown = unknown_of_first();
        if (unknown.empty() || hurries_) {
            tell_first();
        } else if (auto file = as_it_runs(unknown.front().file); !is_file(file)) {
            give_up(unknown, is_gone(file) ? lack::gone : lack::unknown);
        } else if (find_addr2line().empty()) {
            complaint_ = "install addr2line (of binutils) for the names of functions";
            give_up(unknown, lack::unknown);
        } else {
            try {
                start(unknown);
                complaint_.clear();
            } catch (std::exception const& error) { // the next search may fare better
                complaint_ = std::string{"addr2line cannot be started: "} + error.what();
                tell_first();
            }
        }
    }
    hurries_ = false;
    if (known_.size() > most_known)
        known_.clear();
}

// In one of its files; and what the others want to know of that, since reading it takes most of the time.
std::vector<file_place> symbolizer::unknown_of_first() const
{
    std::set<file_place> unknown;
    for (auto const& each : searches_) {
        for (auto const& place : each.places)
            if (!known_.contains(place) && (unknown.empty() || unknown.begin()->file == place.file))
                unknown.insert(place);
        if (unknown.empty() || unknown.size() > most_at_once)
            break;
    }
    return {unknown.begin(), unknown.end()};
}

void symbolizer::tell_first()
{
    auto then = std::move(searches_.front().then);
    searches_.pop_front();
    then();
}

void symbolizer::give_up(std::vector<file_place> const& places, lack why)
{
    for (auto const& each : places)
        known_.try_emplace(each, finding{{}, why});
}

void symbolizer::start(std::vector<file_place> const& places)
{
    std::vector<std::string> arguments{"-a", "-f", "-i", "-C", "-e", as_it_runs(places.front().file)};
    for (auto const& each : places)
        arguments.push_back(in_hex(each.address));
    auto null = open_null();
    auto output = make_pipe();
    auto life = make_pipe(); // whose reader is kept open as its input, which it does not read
    int pid = starter_.start(find_addr2line(), arguments, {life.first.get(), output.second.get(), null.get()}, life.first.get());
    running_ = std::make_unique<running>(on_, pid, std::move(life.second), std::move(output.first));
    sought_ = places;
    timer_.expires_after(patience_);
    timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
        if (auto pass = self->entrance_->enter(); pass && !error && self->running_) {
            self->is_late_ = true;
            self->running_->child.signal(SIGKILL);
        }
    });
    read();
}

void symbolizer::read()
{
    running_->output.async_read_some(
        boost::asio::buffer(running_->buffer), [self = shared_from_this()](boost::system::error_code error, std::size_t size) {
            auto pass = self->entrance_->enter();
            if (!pass || !self->running_)
                return;
            auto& run = *self->running_;
            run.written.append(run.buffer.data(), size);
            if (run.written.size() > most_written)
                run.child.signal(SIGKILL);
            error ? self->wait_for_end() : self->read();
        });
}

void symbolizer::wait_for_end()
{
    running_->child.async_wait([self = shared_from_this()](boost::system::error_code) {
        auto pass = self->entrance_->enter();
        if (!pass || !self->running_)
            return;
        self->running_->child.has_ended() ? self->finish() : self->wait_for_end();
    });
}

void symbolizer::finish()
{
    timer_.cancel();
    auto run = std::exchange(running_, nullptr);
    run->child.reap();
    auto sought = std::exchange(sought_, {});
    auto const& file = sought.front().file;
    auto why = is_stripped(as_it_runs(file)) ? lack::stripped : lack::unknown;
    auto names = read_code_names(run->written);
    for (std::size_t i = 0; i < sought.size() && i < names.size(); ++i) {
        if (why == lack::stripped && !is_of_system(file))
            remove_guesses(names[i]);
        known_.try_emplace(sought[i], finding{std::move(names[i]), why});
    }
    bool was_late = std::exchange(is_late_, false);
    if (!hurries_)
        give_up(sought, was_late ? lack::late : why);
    go_on();
}

void symbolizer::hurry()
{
    hurries_ = running_ != nullptr; // else nobody waits
    if (running_)
        running_->child.signal(SIGKILL);
}

void symbolizer::close() noexcept
{
    searches_.clear();
    timer_.cancel();
    running_.reset();
}

} // namespace wodehaus::detail
