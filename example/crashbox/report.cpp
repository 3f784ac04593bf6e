#include "report.hpp"

#include "shared/file.hpp"
#include "shared/text.hpp"

#include <cstdio>
#include <sstream>

namespace fs = std::filesystem;

namespace {

constexpr char style[] = R"css(
:root { color-scheme: light dark; --paper: #f6f5f2; --ink: #1d1c1a; --quiet: #625f58; --line: #e2dfd8; --card: #fff;
        --code: #f0eee9; --bad: #b3261e; --focus: #1f5fbf; }
@media (prefers-color-scheme: dark) {
    :root { --paper: #161617; --ink: #ececea; --quiet: #a09e97; --line: #2f2f31; --card: #212123; --code: #161617;
            --bad: #ff8a80; --focus: #8ab4f8; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1100px; padding: clamp(1rem, 3vw, 3rem); background: var(--paper); color: var(--ink);
       font: 15px/1.45 system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif; }
bdi, pre, code { overflow-wrap: anywhere; white-space: pre-wrap; }
h1 { margin: 0; font-size: clamp(1.5rem, 3vw, 2.1rem); font-weight: 650; letter-spacing: -.02em; }
.summary, dt { color: var(--quiet); }
.summary { margin: .35rem 0 1.5rem; }
article { margin: 0 0 1rem; padding: 1rem 1.2rem; border: 1px solid var(--line); border-radius: 10px;
          background: var(--card); }
h2 { display: flex; gap: .8rem; align-items: baseline; margin: 0 0 .7rem; font-size: 1.02rem; font-weight: 600; }
h2 .count { flex: none; min-width: 2.2em; padding: .05rem .5rem; border-radius: 1em; background: var(--bad);
            color: var(--card); text-align: center; font-variant-numeric: tabular-nums; }
dl { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: .3rem 1rem; margin: 0; }
dd { margin: 0; }
pre, code { padding: .3rem .6rem; border-radius: 6px; background: var(--code);
            font: 13px/1.5 ui-monospace, "DejaVu Sans Mono", monospace; }
pre { margin: .5rem 0 0; }
code { display: block; user-select: all; }
details { margin-top: .6rem; }
summary { cursor: pointer; color: var(--quiet); }
summary:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
ul { margin: .5rem 0 0; padding-left: 1.2rem; }
@media (max-width: 600px) { dl { grid-template-columns: minmax(0, 1fr); gap: .1rem; } dd { margin-bottom: .4rem; } }
)css";

/// As a word of a shell's command.
std::string quoted(std::string const& word)
{
    bool is_text = printable(word) == word;
    std::string text = is_text ? "'" : "$'";
    for (char each : word) {
        char code[8];
        std::snprintf(code, sizeof code, "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(each)));
        if (is_text)
            text += each == '\'' ? "'\\''" : std::string{each};
        else
            text += code;
    }
    return text + '\'';
}

/// Lines of a trace, each made fit for a page.
std::string lines_in_html(std::string const& text)
{
    std::istringstream lines{text};
    std::string all;
    for (std::string line; std::getline(lines, line);)
        all += html(line) + '\n';
    return all;
}

std::string first_command(failure_group const& group)
{
    for (auto const& each : group.files)
        if (auto command = replay_command(each); !command.empty())
            return command;
    return {};
}

void write_group(std::ostream& out, failure_group const& group)
{
    auto const& first = group.files.front();
    out << "<article>\n<h2><span class=\"count\">" << group.files.size() << "</span> <bdi>" << html(group.title)
        << "</bdi></h2>\n<dl>\n<dt>First file</dt><dd class=\"first\"><bdi>" << html(first.name) << "</bdi></dd>\n";
    if (auto command = first_command(group); !command.empty())
        out << "<dt>See it again</dt><dd><code>" << html(command) << "</code></dd>\n";
    else if (!first.why.kept.empty())
        out << "<dt>See it again</dt><dd>Its job has had to make room for those of later failures.</dd>\n";
    out << "</dl>\n";
    if (!first.why.trace.empty())
        out << "<details open><summary>Where it was</summary><pre>" << lines_in_html(first.why.trace)
            << "</pre></details>\n";
    if (group.files.size() > 1) {
        out << "<details class=\"files\"><summary>All files</summary><ul>\n";
        for (auto const& each : group.files)
            out << "<li><bdi>" << html(each.name) << "</bdi></li>\n";
        out << "</ul></details>\n";
    }
    out << "</article>\n";
}

} // namespace

std::string replay_command(failed_file const& one)
{
    std::error_code unknown;
    auto program = fs::read_symlink("/proc/self/exe", unknown);
    if (unknown || one.why.kept.empty() || !fs::exists(one.why.kept, unknown))
        return {};
    return quoted(program.string()) + " --wodehaus-replay " + quoted(fs::absolute(one.why.kept, unknown).string());
}

fs::path write(report const& all, fs::path const& output)
{
    auto groups = all.failures.sorted();
    std::ostringstream page;
    page << "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Crash report</title>\n<style>"
         << style << "</style>\n</head>\n<body>\n<h1>Crash report</h1>\n<p class=\"summary\">"
         << counted(all.files, "file", "files") << " · " << all.fine() << " fine · " << all.failures.files()
         << " failed in " << counted(groups.size(), "way", "ways");
    if (all.left_out > 0)
        page << " · " << all.left_out << " left out, since it was stopped";
    page << "</p>\n";
    for (auto const& group : groups)
        write_group(page, group);
    page << "</body>\n</html>\n";
    auto file = output / "report.html";
    replace(file, page.str());
    return file;
}
