#include "halt.hpp"

#include <algorithm>
#include <charconv>

namespace {

bool take(std::string_view& text, std::string_view prefix)
{
    if (!text.starts_with(prefix))
        return false;
    text.remove_prefix(prefix.size());
    return true;
}

std::string_view long_form(std::string_view text)
{
    constexpr std::string_view forms[][2] = {
        {"0", "never"}, {"1", "soon,fail=1"}, {"2", "now,fail=1"}, {"-1", "soon,success=1"}, {"-2", "now,success=1"}};
    for (auto const& [old, form] : forms)
        if (text == old)
            return form;
    return text;
}

bool read_count(std::string_view text, halt_rule& to)
{
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), to.count);
    std::string_view rest{end, static_cast<std::size_t>(text.data() + text.size() - end)};
    to.is_percentage = rest == "%";
    return error == std::errc{} && to.count > 0 && (rest.empty() || (to.is_percentage && to.count <= 100));
}

} // namespace

std::optional<halt_rule> parse_halt(std::string_view text)
{
    using moment = halt_rule::moment;
    using cause = halt_rule::cause;
    halt_rule rule;
    text = long_form(text);
    if (text == "never")
        return rule;
    rule.when = moment::soon;
    if (text.ends_with('%') && read_count(text, rule))
        return rule;
    if (take(text, "now,"))
        rule.when = moment::now;
    else if (!take(text, "soon,"))
        return std::nullopt;
    if (take(text, "success="))
        rule.why = cause::success;
    else if (take(text, "done="))
        rule.why = cause::done;
    else if (!take(text, "fail="))
        return std::nullopt;
    return read_count(text, rule) ? std::optional{rule} : std::nullopt;
}

halt_rule::moment tally::add(int exit_code, int signal)
{
    ++done_;
    failed_ += exit_code != 0 || signal != 0;
    if (rule_.when == halt_rule::moment::never || (!halted_ && !is_reached()))
        return halt_rule::moment::never;
    if (!halted_)
        halted_ = status_when_reached(exit_code, signal);
    return rule_.when;
}

bool tally::is_reached() const
{
    using cause = halt_rule::cause;
    auto counted = rule_.why == cause::fail ? failed_ : rule_.why == cause::done ? done_ : done_ - failed_;
    return rule_.is_percentage ? counted * 100 >= rule_.count * total_ : counted >= rule_.count;
}

int tally::status_when_reached(int exit_code, int signal) const
{
    if (rule_.why == halt_rule::cause::success)
        return 0;
    if (rule_.is_percentage)
        return percent_failed(total_);
    if (rule_.count == 1) // the status of the one job that has decided it, as a shell tells it
        return exit_code != 0 ? exit_code & 0xff : signal != 0 ? 128 + signal : 0;
    return static_cast<int>(std::min<std::size_t>(failed_, 101));
}

int tally::percent_failed(std::size_t of) const
{
    return of == 0 ? 0 : static_cast<int>((failed_ * 100 + of - 1) / of);
}

int tally::exit_status() const
{
    if (halted_)
        return *halted_;
    if (rule_.when != halt_rule::moment::never && rule_.is_percentage)
        return percent_failed(done_);
    return static_cast<int>(std::min<std::size_t>(failed_, 101));
}
