#include "sheet.hpp"

#include "find.hpp"
#include "text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <system_error>

namespace fs = std::filesystem;

namespace {

// Rows are filled as a page is with words: a picture grows from the width that gives it the common height, in
// proportion to its shape, so that all pictures of a row remain of one height.
constexpr char const style[] = R"css(
:root { color-scheme: light dark; --paper: #f6f5f2; --ink: #1d1c1a; --quiet: #77746c; --line: #e2dfd8; --card: #fff;
        --shade: 0 1px 2px #0001, 0 4px 14px #0000000d; --bad: #b3261e; --height: 200px; }
@media (prefers-color-scheme: dark) {
    :root { --paper: #161617; --ink: #ececea; --quiet: #918f89; --line: #2b2b2c; --card: #212123;
            --shade: 0 1px 2px #0006; --bad: #ff8a80; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1800px; padding: clamp(1rem, 3vw, 3rem); background: var(--paper); color: var(--ink);
       font: 15px/1.45 system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif; }
h1 { margin: 0; font-size: clamp(1.5rem, 3vw, 2.1rem); font-weight: 650; letter-spacing: -.02em; overflow-wrap: anywhere; }
h2 { margin: 2.2rem 0 .8rem; font-size: 1.02rem; font-weight: 600; overflow-wrap: anywhere; }
h2 span, .summary, figcaption span { color: var(--quiet); font-weight: 400; font-variant-numeric: tabular-nums; }
h2 span { margin-left: .5em; }
.summary { margin: .35rem 0 0; }
.summary a { color: var(--bad); }
header + section > .row:first-child { margin-top: 1.8rem; }
.row { display: flex; flex-wrap: wrap; gap: 14px; }
.row::after { content: ""; flex-grow: 1000; }
figure { margin: 0; min-width: 0; flex: var(--shape) 1 calc(var(--shape) * var(--height)); border-radius: 10px;
         overflow: hidden; background: var(--card); box-shadow: var(--shade); content-visibility: auto;
         contain-intrinsic-size: auto 260px; transition: transform .15s ease; }
figure:hover { transform: translateY(-2px); }
figure a { display: block; aspect-ratio: var(--shape); }
img { display: block; width: 100%; height: 100%; object-fit: contain; }
img.small { object-fit: scale-down; }
img.see-through { background: repeating-conic-gradient(#a3a8ae 0 25%, #989da3 0 50%) 0 0 / 20px 20px; }
figcaption { padding: .5rem .7rem .6rem; font-size: .82rem; }
figcaption b, figcaption span { display: block; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
figcaption b { font-weight: 550; }
.failures { border-top: 1px solid var(--line); margin-top: 2.5rem; }
.failures h2 { color: var(--bad); }
.failures ul { list-style: none; margin: 0; padding: 0; }
.failures li { display: grid; grid-template-columns: minmax(8rem, 2fr) 3fr; gap: 1.2rem; padding: .5rem 0;
               border-top: 1px solid var(--line); overflow-wrap: anywhere; }
.failures li:first-child { border-top: 0; }
.failures li span { color: var(--quiet); }
@media (max-width: 600px) { :root { --height: 130px; } .failures li { grid-template-columns: 1fr; gap: .1rem; } }
@media print { .failures li, figure { break-inside: avoid; } figure { box-shadow: none; border: 1px solid var(--line); } }
)css";

std::string in_units(std::uint64_t bytes)
{
    constexpr std::array<char const*, 4> units{"bytes", "kB", "MB", "GB"};
    double value = static_cast<double>(bytes);
    std::size_t unit = 0;
    for (; value >= 999.5 && unit + 1 < units.size(); ++unit)
        value /= 1000;
    std::ostringstream text;
    text.precision(unit == 0 || value >= 99.95 ? 0 : 1);
    text << std::fixed << value << ' ' << units[unit];
    return text.str();
}

std::string counted(std::size_t count, std::string const& one, std::string const& many)
{
    return std::to_string(count) + ' ' + (count == 1 ? one : many);
}

// From the page to the picture, wherever both are.
std::string link_to(fs::path const& file, fs::path const& output)
{
    std::error_code error;
    auto target = fs::weakly_canonical(file.parent_path(), error) / file.filename();
    auto from = fs::weakly_canonical(output, error);
    return url(target.lexically_relative(from).native());
}

// Strips and towers are shown in a frame that is less so, so that each has a width and a height that one can see.
double shape_of(thumbnail const& made)
{
    return std::clamp(static_cast<double>(made.width) / made.height, 0.5, 3.5);
}

void write_figure(std::ostream& out, sheet_entry const& entry, fs::path const& output)
{
    auto const& made = *entry.made;
    auto name = html(entry.file.filename().native());
    bool is_small = made.width == made.full_width && made.height == made.full_height;
    bool is_see_through = made.file.ends_with(".png");
    out << "<figure style=\"--shape:" << shape_of(made) << "\"><a href=\"" << link_to(entry.file, output)
        << "\"><img src=\"" << thumbnails_folder << '/' << url(made.file) << "\" width=\"" << made.width
        << "\" height=\"" << made.height << "\" alt=\"" << name << "\" loading=\"lazy\"";
    if (is_small || is_see_through)
        out << " class=\"" << (is_small ? "small" : "") << (is_see_through ? " see-through" : "") << '"';
    out << "></a><figcaption><b title=\"" << name << "\"><bdi>" << name << "</bdi></b><span title=\"" << made.bytes
        << " bytes\">" << made.full_width << " × " << made.full_height << " · " << in_units(made.bytes)
        << "</span></figcaption></figure>\n";
}

using entries = std::vector<sheet_entry>::const_iterator;

void write_folder(std::ostream& out, entries begin, entries end, contact_sheet const& sheet, fs::path const& output)
{
    auto has_thumbnail = [](sheet_entry const& each) { return each.made.has_value(); };
    auto count = static_cast<std::size_t>(std::count_if(begin, end, has_thumbnail));
    if (count == 0)
        return;
    auto folder = begin->file.parent_path().lexically_relative(sheet.folder);
    out << "<section>\n";
    if (folder != ".") // else the page's title says it
        out << "<h2><bdi>" << html(folder.native()) << "</bdi><span>" << counted(count, "picture", "pictures")
            << "</span></h2>\n";
    out << "<div class=\"row\">\n";
    for (; begin != end; ++begin)
        if (begin->made)
            write_figure(out, *begin, output);
    out << "</div>\n</section>\n";
}

void write_failures(std::ostream& out, contact_sheet const& sheet)
{
    out << "<section class=\"failures\" id=\"failures\">\n<h2>" << counted(sheet.failed(), "picture", "pictures")
        << " failed</h2>\n<ul>\n";
    for (auto const& entry : sheet.entries)
        if (!entry.made && !entry.why.empty())
            out << "<li><bdi>" << html(sheet.name(entry)) << "</bdi><span>" << html(entry.why) << "</span></li>\n";
    out << "</ul>\n</section>\n";
}

void write_head(std::ostream& out, contact_sheet const& sheet)
{
    auto folder = fs::absolute(sheet.folder / "").lexically_normal().parent_path();
    auto name = html((folder.has_filename() ? folder.filename() : folder).native());
    std::uint64_t bytes = 0;
    for (auto const& entry : sheet.entries)
        bytes += entry.made ? entry.made->bytes : 0;
    out << "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>"
        << name << "</title>\n<style>" << style << "</style>\n</head>\n<body>\n<header>\n<h1><bdi>" << name
        << "</bdi></h1>\n<p class=\"summary\">" << counted(sheet.made(), "picture", "pictures") << " · "
        << in_units(bytes);
    if (sheet.failed() > 0)
        out << " · <a href=\"#failures\">" << sheet.failed() << " failed</a>";
    if (sheet.left_out() > 0)
        out << " · " << sheet.left_out() << " left out, since it was stopped";
    out << "</p>\n</header>\n";
}

} // namespace

std::size_t contact_sheet::made() const
{
    return static_cast<std::size_t>(
        std::count_if(entries.begin(), entries.end(), [](sheet_entry const& each) { return each.made.has_value(); }));
}

std::size_t contact_sheet::failed() const
{
    return static_cast<std::size_t>(
        std::count_if(entries.begin(), entries.end(), [](sheet_entry const& each) { return !each.why.empty(); }));
}

std::string contact_sheet::name(sheet_entry const& entry) const
{
    return entry.file.lexically_relative(folder).native();
}

fs::path write(contact_sheet const& sheet, fs::path const& output)
{
    auto file = output / "contact.html", meanwhile = output / "contact.html.part";
    std::ofstream out{meanwhile, std::ios::trunc};
    write_head(out, sheet);
    for (auto begin = sheet.entries.begin(); begin != sheet.entries.end();) {
        auto end = std::find_if(begin, sheet.entries.end(), [&](sheet_entry const& each) {
            return each.file.parent_path() != begin->file.parent_path();
        });
        write_folder(out, begin, end, sheet, output);
        begin = end;
    }
    if (sheet.failed() > 0)
        write_failures(out, sheet);
    out << "</body>\n</html>\n";
    out.close();
    if (!out)
        throw std::system_error{errno, std::generic_category(), "cannot write " + meanwhile.string()};
    fs::rename(meanwhile, file);
    return file;
}
